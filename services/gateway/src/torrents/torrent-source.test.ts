import { createHash } from 'node:crypto';
import { TorrentSource } from '@lodestream/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTorrentSource } from './torrent-source.ts';

const HASH = 'c9e15763f722f23e98a29decdfae341b98d53056';

function metainfo(change = ''): Buffer {
  const info = `d6:lengthi5e4:name5:a.mkv12:piece lengthi16384e6:pieces20:${'x'.repeat(20)}e`;
  return Buffer.from(`d8:announce30:http://tracker.example/announc4:info${info}e${change}`, 'latin1');
}

describe('readTorrentSource', () => {
  it.each([
    ['an info hash', { infoHash: HASH }],
    ['an info hash in capitals', { infoHash: HASH.toUpperCase() }],
    ['an info hash in base32', { infoHash: 'ZHQVOY7XELZD5GFCTXWN7LRUDOMNKMCW' }],
    ['a magnet', { magnet: `magnet:?xt=urn:btih:${HASH}` }],
    ['a magnet that is only a hash', { magnet: HASH }],
  ])('reads %s', async (_name, posted) => {
    expect((await readTorrentSource(posted)).source).toEqual({ infoHash: HASH, displayName: '', trackers: [], peers: [] });
  });

  it('keeps what a magnet says of names, trackers and peers', async () => {
    const magnet = `magnet:?xt=urn:btih:${HASH}&dn=Sintel&tr=udp%3A%2F%2Ftracker.example%3A1337&x.pe=203.0.113.7:6881&xs=http://evil.example/`;
    const { source, names } = await readTorrentSource({ magnet });
    expect(names).toEqual(['Sintel']);
    expect(source).toMatchObject({ infoHash: HASH, displayName: 'Sintel', peers: ['203.0.113.7:6881'] });
    expect(source.trackers).toHaveLength(1);
    expect(JSON.stringify(source)).not.toContain('evil');
  });

  it('takes the hash of a .torrent from its raw bytes', async () => {
    const bytes = metainfo();
    const text = bytes.toString('latin1');
    const info = text.slice(text.indexOf('4:info') + 6, -1);
    const { source, names } = await readTorrentSource({ metainfo: bytes });
    expect(names).toEqual(['a.mkv', 'a.mkv']);
    expect(source.infoHash).toBe(createHash('sha1').update(info, 'latin1').digest('hex'));
    expect(TorrentSource.safeParse(source).success).toBe(true);
    expect(Buffer.from(source.metainfo ?? '', 'base64').equals(bytes)).toBe(true);
  });

  it.each([
    ['invalid-magnet', { infoHash: 'nonsense' }],
    ['invalid-magnet', { infoHash: '' }],
    ['invalid-magnet', { magnet: 'https://example.com/' }],
    ['invalid-magnet', { magnet: 'magnet:?dn=nothing' }],
    ['torrent-v2-only', { magnet: `magnet:?xt=urn:btmh:1220${'a'.repeat(64)}` }],
    ['invalid-torrent', { metainfo: Buffer.from('hello') }],
    ['invalid-torrent', { metainfo: Buffer.alloc(0) }],
    ['invalid-torrent', { metainfo: metainfo('trailing') }],
  ])('refuses with %s: %j', async (code, posted) => {
    await expect(readTorrentSource(posted)).rejects.toMatchObject({ name: 'ProblemError', code });
  });

  it('gives a checked source or a problem of its own for any text', async () => {
    const posts = fc.oneof(
      fc.record({
        magnet: fc.oneof(
          fc.string(),
          fc.string().map((text) => `magnet:?xt=urn:btih:${HASH}&${text}`),
        ),
      }),
      fc.record({ infoHash: fc.string() }),
      fc.record({
        metainfo: fc.oneof(
          fc.uint8Array(),
          fc.string().map((text) => metainfo(text)),
        ),
      }),
    );
    await fc.assert(
      fc.asyncProperty(posts, async (posted) => {
        try {
          expect(TorrentSource.safeParse((await readTorrentSource(posted)).source).success).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ProblemError', problem: { status: expect.toSatisfy((status) => status < 500) } });
        }
      }),
    );
  });
});
