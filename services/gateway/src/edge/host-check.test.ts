import { describe, expect, it } from 'vitest';
import { isCrossSite, isHostAllowed } from './host-check.ts';

describe('isHostAllowed', () => {
  it.each(['localhost', 'localhost:8080', 'LOCALHOST:8080', '127.0.0.1', '127.0.0.1:8080', '127.9.8.7:1', '[::1]', '[::1]:8080'])(
    'lets loopback in as %s',
    (host) => {
      expect(isHostAllowed(host, undefined, [])).toBe(true);
    },
  );

  it.each([
    ['192.168.1.5:8080', '192.168.1.5'],
    ['192.168.1.5', '::ffff:192.168.1.5'],
    ['[fd00::5]:8080', 'fd00::5'],
    ['[FD00::5]:8080', 'fd00::5'],
  ])('lets in the address that the connection came to: %s', (host, localAddress) => {
    expect(isHostAllowed(host, localAddress, [])).toBe(true);
  });

  it.each([
    ['media.lan:8080', 'media.lan:8080'],
    ['MEDIA.lan:8080', 'media.lan:8080'],
    ['media.lan', 'media.lan'],
    ['media.lan:8443', 'media.lan'],
    ['[fd00::5]:8080', '[fd00::5]:8080'],
  ])('lets in %s where %s is public', (host, publicHost) => {
    expect(isHostAllowed(host, '10.0.0.1', [publicHost])).toBe(true);
  });

  it.each([
    ['no name', undefined],
    ['an empty name', ''],
    ['another name', 'evil.example'],
    ['a name that begins like loopback', '127.0.0.1.evil.example'],
    ['a name that ends like loopback', 'evil.localhost:8080'],
    ['a name that begins like localhost', 'localhost.evil.example'],
    ['an address that is not ours', '192.168.1.6'],
    ['a public name with another port', 'media.lan:9'],
    ['a name that begins like a public one', 'media.lan.evil.example:8080'],
    ['two names', 'localhost, evil.example'],
    ['a name with a login', 'localhost@evil.example'],
    ['a path', 'localhost/evil.example'],
    ['all addresses', '0.0.0.0:8080'],
  ])('refuses %s', (_name, host) => {
    expect(isHostAllowed(host, '192.168.1.5', ['media.lan:8080'])).toBe(false);
  });
});

describe('isCrossSite', () => {
  it.each([
    ['an old client that says nothing', {}],
    ['our own page', { origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' }],
    ['our own page in capitals', { origin: 'http://LOCALHOST:8080' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
    ['our own page behind TLS', { origin: 'https://localhost:8080' }],
  ])('lets %s pass', (_name, headers) => {
    expect(isCrossSite(headers, 'localhost:8080')).toBe(false);
  });

  it.each([
    ['another site', { origin: 'https://evil.example' }],
    ['another port of this machine', { origin: 'http://localhost:9090' }],
    ['a sandboxed frame', { origin: 'null' }],
    ['an origin that is none', { origin: 'localhost:8080' }],
    ['what the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['what the browser calls same-site', { 'sec-fetch-site': 'same-site' }],
    ['an origin that only looks like ours', { origin: 'http://localhost:8080.evil.example' }],
    ['cross-site with our own origin', { origin: 'http://localhost:8080', 'sec-fetch-site': 'cross-site' }],
  ])('stops %s', (_name, headers) => {
    expect(isCrossSite(headers, 'localhost:8080')).toBe(true);
  });
});
