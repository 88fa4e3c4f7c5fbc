import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { infoHashOfMagnet, nameOfMagnet, parseTorrentInput } from './torrent-input.ts';

const HEX = '0123456789abcdef0123456789abcdef01234567';
const BASE32 = 'AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH';
const MAGNET = `magnet:?xt=urn:btih:${HEX}&dn=A+Film`;

describe('what a person pastes', () => {
  it.each([
    ['a magnet', MAGNET],
    ['a magnet in quotes and spaces', `  "${MAGNET}"\n`],
    ['a magnet that a mail client broke into lines', `magnet:?xt=urn:btih:${HEX}\r\n&dn=A+Film`],
    ['upper-case hex', `MAGNET:?XT=URN:BTIH:${HEX.toUpperCase()}`],
    ['an encoded topic', `magnet:?xt=urn%3Abtih%3A${HEX}`],
    ['a numbered topic behind another', `magnet:?xt.1=urn:sha1:ABC&xt.2=urn:btih:${HEX}`],
    ['a hybrid', `magnet:?xt=urn:btmh:1220${'ab'.repeat(32)}&xt=urn:btih:${HEX}`],
    ['base32 in a magnet', `magnet:?xt=urn:btih:${BASE32}`],
    ['a bare hash', HEX],
    ['a bare hash in base32', BASE32],
  ])('is understood: %s', (_name, text) => {
    const parsed = parseTorrentInput(text);
    expect(parsed.ok && parsed.source.infoHash).toBe(HEX);
  });

  it.each([
    ['nothing', '   ', 'empty'],
    ['a web address', 'https://example.org/film.torrent', 'web-address'],
    ['a word', 'sintel', 'not-a-magnet'],
    ['a hash of the wrong length', HEX.slice(1), 'not-a-magnet'],
    ['a magnet of another network', 'magnet:?xt=urn:ed2k:31D6CFE0D16AE931B73C59D7E0C089C0', 'no-btih'],
    ['letters that are no hash', 'magnet:?xt=urn:btih:zzzz', 'no-btih'],
    ['a v2-only magnet', `magnet:?xt=urn:btmh:1220${'ab'.repeat(32)}`, 'v2-only'],
    ['an endless magnet', `${MAGNET}&tr=${'x'.repeat(20_000)}`, 'too-long'],
  ])('is refused with its reason: %s', (_name, text, fault) => {
    expect(parseTorrentInput(text)).toEqual({ ok: false, fault });
  });

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseTorrentInput(text);
        parseTorrentInput(`magnet:?${text}`);
        infoHashOfMagnet(text);
        nameOfMagnet(text);
      }),
    );
  });

  it('takes the name that the magnet gives', () => {
    expect(nameOfMagnet(MAGNET)).toBe('A Film');
    expect(nameOfMagnet(`magnet:?xt=urn:btih:${HEX}`)).toBeNull();
  });
});
