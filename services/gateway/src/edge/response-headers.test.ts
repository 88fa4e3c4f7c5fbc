import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BASE_HEADERS, CONTENT_HEADERS, contentDisposition, PAGE_HEADERS } from './response-headers.ts';

/** Reads the header as RFC 6266 and RFC 8187 say a browser does. */
function read(header: string): { plain: string; extended: string } {
  const match =
    /^attachment; filename="([\x20\x21\x23-\x5b\x5d-\x7e]*)"; filename\*=UTF-8''((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})*)$/.exec(
      header,
    );
  if (!match) throw new Error(`not a header: ${header}`);
  return { plain: match[1] as string, extended: decodeURIComponent(match[2] as string) };
}

/** Any UTF-16, halves of characters included; and plain text. */
const names = fc.oneof(
  fc.array(fc.nat(0xffff), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
  fc.string(),
);

describe('contentDisposition', () => {
  it.each([
    ['a film', 'Sintel (2010).mkv', 'Sintel (2010).mkv'],
    ['quotes and a backslash', 'a"b\\c.mkv', 'a_b_c.mkv'],
    ['line breaks', 'a\r\nset-cookie: x=1.mkv', 'a__set-cookie: x=1.mkv'],
    ['a NUL', 'a\0b', 'a_b'],
    ['umlauts', 'Käse.mkv', 'K_se.mkv'],
    ['nothing', '', ''],
  ])('has a plain form of %s', (_name, name, plain) => {
    expect(read(contentDisposition(name))).toEqual({ plain, extended: name });
  });

  it("carries the characters that encodeURIComponent leaves, but a header can't", () => {
    expect(contentDisposition("it's (a) *.mkv")).toContain("filename*=UTF-8''it%27s%20%28a%29%20%2A.mkv");
  });

  it('survives half a character', () => {
    expect(read(contentDisposition('a\ud83d.mkv')).extended).toBe('a\ufffd.mkv');
    expect(read(contentDisposition('😀.mkv')).extended).toBe('😀.mkv');
  });

  it('is one readable header line for any name, and gives the name back', () => {
    fc.assert(
      fc.property(names, (name) => {
        expect(read(contentDisposition(name)).extended).toBe(name.toWellFormed());
      }),
    );
  });
});

describe('the header sets', () => {
  it('are those of the security page', () => {
    expect(BASE_HEADERS).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(CONTENT_HEADERS['content-security-policy']).toBe("sandbox; default-src 'none'");
    const policy = new Map(
      PAGE_HEADERS['content-security-policy'].split('; ').map((directive) => {
        const [name = '', ...sources] = directive.split(' ');
        return [name, sources.join(' ')];
      }),
    );
    expect(Object.fromEntries(policy)).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self' data: blob:",
      'font-src': "'self'",
      'media-src': "'self' blob:",
      'connect-src': "'self'",
      'worker-src': "'self'",
      'manifest-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'self'",
      'frame-ancestors': "'none'",
      'object-src': "'none'",
      'require-trusted-types-for': "'script'",
    });
    expect(PAGE_HEADERS['cross-origin-opener-policy']).toBe('same-origin');
    for (const feature of ['camera', 'microphone', 'geolocation', 'payment', 'usb'])
      expect(PAGE_HEADERS['permissions-policy']).toContain(`${feature}=()`);
  });
});
