import { describe, expect, it } from 'vitest';
import { parseMagnetUri } from './magnet-uri.ts';
import { TorrentSource } from './torrent.ts';

const HASH = 'd2354010a3ca4ade5b7427bb093a62a3899ff381';
const MAGNET = `magnet:?xt=urn:btih:${HASH}`;
const sourceOf = (text: string) => {
  const result = parseMagnetUri(text);
  if (!('source' in result)) throw new Error(result.problem);
  return result.source;
};

it.each([
  ['plain', MAGNET],
  ['upper case', `MAGNET:?XT=URN:BTIH:${HASH.toUpperCase()}`],
  ['base32', 'magnet:?xt=urn:btih:2I2UAEFDZJFN4W3UE65QSOTCUOEZ744B'],
  ['percent-encoded', `magnet:?xt=urn%3Abtih%3A${HASH.slice(0, -1)}%31`],
  ['numbered', `magnet:?xt.1=urn:btih:${HASH}`],
  ['bare', HASH],
  ['among spaces', `  ${MAGNET}\n`],
  ['hybrid', `magnet:?xt=urn:btmh:1220${'cd'.repeat(32)}&xt=urn:btih:${HASH}`],
  ['with a parameter that cannot be decoded', `magnet:?dn=%E0%A4%A&xt=urn:btih:${HASH}`],
])('a hash that is %s is read into the one canonical form', (_name, text) => {
  expect(sourceOf(text).infoHash).toBe(HASH);
});

it('the v2 hash of a hybrid is kept beside its v1 hash, where it is one', () => {
  const v2 = 'cd'.repeat(32);
  const of = (hash: string) => sourceOf(`${MAGNET}&xt=urn:btmh:${hash}`).infoHashV2;
  expect([of(`1220${v2.toUpperCase()}`), of(v2), of(`1220${v2}00`), of('')]).toEqual([v2, undefined, undefined, undefined]);
});

it.each([
  ['nothing', '', 'invalid-magnet'],
  ['no hash', 'magnet:?dn=foo', 'invalid-magnet'],
  ['a short hash', 'magnet:?xt=urn:btih:abab', 'invalid-magnet'],
  ['a hash that is not hex', `magnet:?xt=urn:btih:${'z'.repeat(40)}`, 'invalid-magnet'],
  ['a hash with a space', `magnet:?xt=urn:btih:%20${HASH.slice(1)}`, 'invalid-magnet'],
  ['another kind of magnet', 'magnet:?xt=urn:sha1:YNCKHTQCWBTRNJIV4WNAE52SJUQCZO5C', 'invalid-magnet'],
  ['a web address', `https://example.org/?xt=urn:btih:${HASH}`, 'invalid-magnet'],
  ['17 KiB', `${MAGNET}&dn=${'a'.repeat(17 * 1024)}`, 'invalid-magnet'],
  ['a v2 hash alone', `magnet:?xt=urn:btmh:1220${'cd'.repeat(32)}`, 'torrent-v2-only'],
])('%s is refused with a code', (_name, text, problem) => {
  expect(parseMagnetUri(text)).toMatchObject({ problem });
});

describe('of everything else only what is harmless survives', () => {
  it('keeps trackers of known protocols, each once and at most 20', () => {
    const trackers = [
      'udp://a.example:80/x',
      'udp://a.example:80/x',
      'file:///etc/passwd',
      'http://u:p@b.example/',
      'nonsense',
      'wss://c.example',
    ];
    const many = Array.from({ length: 40 }, (_, index) => `http://t${index}.example/announce`);
    const text = [...trackers, ...many].map((tracker) => `&tr=${encodeURIComponent(tracker)}`).join('');
    const source = sourceOf(MAGNET + text);
    expect(source.trackers).toHaveLength(20);
    expect(source.trackers.slice(0, 3)).toEqual(['udp://a.example:80/x', 'wss://c.example/', 'http://t0.example/announce']);
  });

  it('keeps 8 peer addresses that are addresses', () => {
    const peers = ['1.2.3.4:5', '[::1]:6', 'host.example:7', '1.2.3.4', '1.2.3.4:0', '1.2.3.4:99999', 'a b:1', '[zz]:1'];
    const source = sourceOf(MAGNET + [...peers, ...Array<string>(9).fill('5.6.7.8:9')].map((peer) => `&x.pe=${peer}`).join(''));
    expect(source.peers).toEqual(['1.2.3.4:5', '[::1]:6', 'host.example:7', ...Array<string>(5).fill('5.6.7.8:9')]);
  });

  it('ignores what is to be fetched or expanded, within a millisecond or so', () => {
    const startedAt = performance.now();
    const source = sourceOf(
      `${MAGNET}&so=0-999999999&xs=http://10.0.0.1/x.torrent&as=http://10.0.0.2/&__proto__=1&dn=%3Cscript%3E`,
    );
    expect(performance.now() - startedAt).toBeLessThan(50);
    expect(source).toEqual({ infoHash: HASH, displayName: '<script>', trackers: [], peers: [] });
  });

  it('keeps the web seeds that can be fetched from, at most eight', () => {
    const seeds = Array.from({ length: 10 }, (_, index) => `&ws=${encodeURIComponent(`https://a.example/${index}`)}`).join('');
    expect(sourceOf(`${MAGNET}&ws=file:///etc/passwd&ws=ftp://a.example/&ws=http://u:p@a.example/${seeds}`).webSeeds).toEqual(
      Array.from({ length: 8 }, (_, index) => `https://a.example/${index}`),
    );
  });

  it('is always a TorrentSource of the contract', () => {
    const text = `${MAGNET}&dn=${'%F0%9F%8E%AC'.repeat(200)}&tr=http%3A%2F%2Fa.example%2F${'a'.repeat(3000)}`;
    expect(TorrentSource.safeParse(sourceOf(text)).success).toBe(true);
  });
});
