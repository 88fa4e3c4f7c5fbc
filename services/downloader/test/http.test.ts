import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTorrent, makeTempDir, startLibtorrentSeeder, waitFor } from '@lodestream/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningDownloader, startDownloader } from './start-downloader.ts';

const BYTES = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
const stack = new AsyncDisposableStack();
let downloader: RunningDownloader;
let infoHash: string;
let info: Buffer;

/** Index of a file by its path: the files of the torrent are in the order of their paths. */
const FILES = ['a.mp4', 'b.html', 'c.MKV', 'empty.bin', 'sub.vtt'];

beforeAll(async () => {
  const home = stack.use(await makeTempDir('http'));
  await mkdir(join(home.path, 'set'));
  for (const name of FILES) await writeFile(join(home.path, 'set', name), name === 'empty.bin' ? '' : BYTES);
  const torrent = await createTorrent({ dir: home.path, name: 'set', pieceLengthBytes: 32 * 1024 });
  infoHash = torrent.infoHash;
  info = torrent.info;
  const seeder = stack.use(await startLibtorrentSeeder({ torrent, dir: home.path, address: '127.9.2.1' }));
  const work = stack.use(await makeTempDir('work'));
  downloader = stack.use(await startDownloader({ infoHash, workDir: work.path, peers: [`${seeder.address}:${seeder.port}`] }));
});
afterAll(() => stack.disposeAsync());

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') => downloader.fetch(path, { method, headers });

describe('ranges', () => {
  it.each([
    ['bytes=0-0', 206, 'bytes 0-0/100000', [0, 1]],
    ['bytes=99999-', 206, 'bytes 99999-99999/100000', [99_999, 100_000]],
    ['bytes=-100', 206, 'bytes 99900-99999/100000', [99_900, 100_000]],
    ['bytes=500-200000', 206, 'bytes 500-99999/100000', [500, 100_000]],
    ['bytes=0-1,3-4', 200, null, [0, 100_000]],
    ['items=0-1', 200, null, [0, 100_000]],
  ] as const)('%s → %i', async (range, status, contentRange, [start, end]) => {
    const response = await get('/files/0', { range });
    expect([response.status, response.headers.get('content-range')]).toEqual([status, contentRange]);
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(response.headers.get('content-length')).toBe(String(end - start));
    expect(Buffer.from(await response.arrayBuffer()).equals(BYTES.subarray(start, end))).toBe(true);
  });

  it.each(['bytes=100000-', 'bytes=-0', 'bytes=x'])('%s → 416', async (range) => {
    const response = await get('/files/0', { range });
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */100000']);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toMatchObject({ code: 'range-not-satisfiable', status: 416 });
  });

  it('If-Range holds for our own ETag alone', async () => {
    const etag = (await get('/files/0', {}, 'HEAD')).headers.get('etag') as string;
    expect(etag).toBe(`"${infoHash}-0"`);
    const statuses = await Promise.all(
      [etag, '"other"', `W/${etag}`, 'Sat, 21 Nov 2026 12:00:00 GMT'].map(async (ifRange) => {
        const response = await get('/files/0', { range: 'bytes=0-9', 'if-range': ifRange });
        await response.body?.cancel();
        return response.status;
      }),
    );
    expect(statuses).toEqual([206, 200, 200, 200]);
  });

  it.each([
    [{}, [200, '100000', null]],
    [{ range: 'bytes=0-9' }, [206, '10', 'bytes 0-9/100000']],
  ])('HEAD with %o has the headers of GET and no body', async (headers, expected) => {
    const head = await get('/files/0', headers as Record<string, string>, 'HEAD');
    const seen = [head.status, head.headers.get('content-length'), head.headers.get('content-range')];
    expect([...seen, await head.text()]).toEqual([...expected, '']);
  });
});

it.each([
  [0, 'video/mp4'],
  [1, 'application/octet-stream'],
  [2, 'video/x-matroska'],
  [4, 'text/vtt; charset=utf-8'],
])('file %i is %s, and nosniff', async (fileIndex, contentType) => {
  const response = await get(`/files/${fileIndex}`, {}, 'HEAD');
  expect([response.headers.get('content-type'), response.headers.get('x-content-type-options')]).toEqual([
    contentType,
    'nosniff',
  ]);
});

it('an empty file is 200 with nothing, and has no ranges', async () => {
  const whole = await get('/files/3');
  expect([whole.status, whole.headers.get('content-length'), await whole.text()]).toEqual([200, '0', '']);
  expect((await get('/files/3', { range: 'bytes=0-' })).status).toBe(416);
});

it.each(['/files/5', '/files/-1', '/files/x', '/files/1.5', '/files/99999999999999999999'])(
  '%s is file-unknown',
  async (path) => {
    const response = await get(path);
    expect([response.status, await response.json()]).toMatchObject([404, { code: 'file-unknown' }]);
  },
);

it('nothing is said without the token', async () => {
  for (const path of ['/status', '/files/0', '/metainfo']) {
    const response = await fetch(downloader.url + path);
    expect([response.status, await response.json()]).toMatchObject([404, { code: 'not-found' }]);
  }
});

it('the status tells files, pieces and swarm, and is no access', async () => {
  await get('/files/0').then((response) => response.arrayBuffer());
  const before = await downloader.status(0);
  expect(before.files).toEqual(
    FILES.map((path, index) => ({ index, path, lengthBytes: path === 'empty.bin' ? 0 : 100_000, kind: expect.any(String) })),
  );
  expect(before).toMatchObject({ kind: 'downloader', infoHash, state: 'ready', name: 'set', isIncompleteSwarm: false });
  expect(before.swarm).toMatchObject({ peers: 1, seeders: 1, pieceCount: 13 });
  expect(before.pieces).toEqual({ count: 4, have: Buffer.from([0xf0]).toString('base64') });
  const later = await waitFor(
    async () => {
      const status = await downloader.status();
      return status.idleSeconds > before.idleSeconds + 0.3 && status;
    },
    { what: 'the idle time grows while the status is asked', timeoutMs: 5000 },
  );
  expect(later.secondsWithoutPeers).toBe(0);
});

it('the metainfo is the info dictionary, byte for byte', async () => {
  const response = await get('/metainfo');
  expect(Buffer.from(await response.arrayBuffer()).equals(info)).toBe(true);
});

describe('before the metadata is there', () => {
  it('metainfo is not-ready, a read waits until its caller goes, and prepare is remembered', async () => {
    await using work = await makeTempDir('work');
    await using alone = await startDownloader({ infoHash: 'ab'.repeat(20), workDir: work.path });
    const metainfo = await alone.fetch('/metainfo');
    expect([metainfo.status, await metainfo.json()]).toMatchObject([503, { code: 'not-ready', stage: 'metadata' }]);
    expect(metainfo.headers.get('retry-after')).toBe('2');
    await expect(alone.fetch('/files/0', { signal: AbortSignal.timeout(500) })).rejects.toThrow(/timeout/);
    expect((await alone.fetch('/files/7/prepare', { method: 'POST' })).status).toBe(204);
    expect(await alone.status()).toMatchObject({ state: 'resolving', name: 'a test', files: [] });
    expect((await alone.status()).secondsWithoutPeers).toBeGreaterThan(0.3);
  });

  it('a .torrent needs no peer to be ready, and one that does not fit its hash fails', async () => {
    await using work = await makeTempDir('work');
    const metainfo = Buffer.concat([Buffer.from('d4:info'), info, Buffer.from('e')]);
    await using ready = await startDownloader({ infoHash, workDir: work.path, metainfo });
    await waitFor(async () => (await ready.status()).state === 'ready', { what: 'it is ready', timeoutMs: 5000 });
    await using other = await makeTempDir('work');
    await using failed = await startDownloader({ infoHash: 'ab'.repeat(20), workDir: other.path, metainfo });
    await waitFor(async () => (await failed.status()).state === 'failed', { what: 'it fails', timeoutMs: 5000 });
    const read = await failed.fetch('/files/0');
    expect([read.status, await read.json()]).toMatchObject([422, { code: 'invalid-torrent' }]);
  });
});

it('it leaves by itself when nobody has asked for anything for its time to live', async () => {
  await using work = await makeTempDir('work');
  const brief = await startDownloader({ infoHash: 'cd'.repeat(20), workDir: work.path, ttlSeconds: 1 });
  expect(await brief.exited).toBe(0);
});
