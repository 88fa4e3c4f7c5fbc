import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  buildMagnet,
  createTorrent,
  makeTempDir,
  pickLoopbackAddress,
  SEEDER_CLIENTS,
  startLibtorrentPeer,
  startLibtorrentSeeder,
  startSeeder,
  startTracker,
  type TestTorrent,
  waitFor,
} from '../src/index.ts';

const CONTENT_BYTES = 3 * 1024 * 1024 + 12_345;
/** transmission unchokes a new peer after up to 10 s and sends in pulses. */
const LEECH_TIMEOUT_MS = 40_000;

let content: Awaited<ReturnType<typeof makeTempDir>>;
let bytes: Buffer;

beforeAll(async () => {
  content = await makeTempDir('content');
  bytes = randomBytes(CONTENT_BYTES);
  await writeFile(join(content.path, 'film.bin'), bytes);
});
afterAll(() => content[Symbol.asyncDispose]());

function makeTorrent(trackers: string[] = []): Promise<TestTorrent> {
  return createTorrent({ dir: content.path, name: 'film.bin', pieceLengthBytes: 64 * 1024, trackers });
}

describe.each(SEEDER_CLIENTS)('a %s seeder', (client) => {
  test('serves a libtorrent leecher that has only the magnet with its address', async () => {
    await using tracker = await startTracker();
    const torrent = await makeTorrent([tracker.announceUrl]);
    await using seeder = await startSeeder({ client, torrent });
    await using target = await makeTempDir('leech');
    await tracker.waitForSeeders(torrent.infoHash);
    await using leecher = await startLibtorrentPeer({
      dir: target.path,
      address: pickLoopbackAddress(),
      magnet: buildMagnet({ ...torrent, trackers: [] }, [seeder]),
    });
    await waitFor(async () => (await leecher.status()).progress === 1, {
      what: 'the leecher is done',
      timeoutMs: LEECH_TIMEOUT_MS,
    });
    await waitFor(async () => (await seeder.uploadedBytes()) >= CONTENT_BYTES * 0.9, {
      what: 'the seeder has counted what it sent',
      timeoutMs: 20_000,
    });
    expect((await leecher.status()).pieces).toHaveLength(torrent.pieceCount);
    await leecher[Symbol.asyncDispose]();
    expect(bytes.equals(await readFile(join(target.path, 'film.bin')))).toBe(true);
  });
});

test('a leecher finds its seeder through the tracker', async () => {
  await using tracker = await startTracker();
  const torrent = await makeTorrent([tracker.announceUrl]);
  await using _seeder = await startSeeder({ client: 'libtorrent', torrent });
  await using target = await makeTempDir('leech');
  await tracker.waitForSeeders(torrent.infoHash);
  await using leecher = await startLibtorrentPeer({
    dir: target.path,
    address: pickLoopbackAddress(),
    magnet: buildMagnet(torrent),
  });
  await waitFor(async () => (await leecher.status()).progress === 1, {
    what: 'the leecher is done',
    timeoutMs: LEECH_TIMEOUT_MS,
  });
});

test('a libtorrent seeder keeps to its upload limit and says which pieces it sent', async () => {
  const torrent = await makeTorrent();
  const uploadBytesPerSecond = 512 * 1024;
  await using seeder = await startLibtorrentSeeder({
    torrent,
    dir: torrent.dir,
    address: pickLoopbackAddress(),
    uploadBytesPerSecond,
  });
  await using target = await makeTempDir('leech');
  const startedAt = performance.now();
  await using leecher = await startLibtorrentPeer({
    dir: target.path,
    address: pickLoopbackAddress(),
    magnet: buildMagnet(torrent, [seeder]),
  });
  await waitFor(async () => (await leecher.status()).downloadedBytes > 1024 * 1024, {
    what: '1 MiB is there',
    timeoutMs: LEECH_TIMEOUT_MS,
  });
  const rate = (await leecher.status()).downloadedBytes / ((performance.now() - startedAt) / 1000);
  expect(rate).toBeLessThan(uploadBytesPerSecond * 1.5);
  const sent = await seeder.uploadedPieces();
  const have = (await leecher.status()).pieces;
  expect(have.length).toBeGreaterThan(0);
  expect(sent).toEqual(expect.arrayContaining(have));
});

test('a torrent of a folder has the files in the order of their paths, and its hash is what libtorrent computes', async () => {
  await using folder = await makeTempDir('folder');
  await mkdir(join(folder.path, 'show', 'extras'), { recursive: true });
  await writeFile(join(folder.path, 'show', 'b.bin'), randomBytes(100_000));
  await writeFile(join(folder.path, 'show', 'a.bin'), randomBytes(70_000));
  await writeFile(join(folder.path, 'show', 'extras', 'c.bin'), randomBytes(30_000));
  const torrent = await createTorrent({ dir: folder.path, name: 'show', pieceLengthBytes: 32 * 1024 });
  expect(torrent.files.map((file) => file.path)).toEqual(['a.bin', 'b.bin', join('extras', 'c.bin')]);
  await using seeder = await startSeeder({ client: 'libtorrent', torrent });
  await using target = await makeTempDir('leech');
  await using leecher = await startLibtorrentPeer({
    dir: target.path,
    address: pickLoopbackAddress(),
    magnet: buildMagnet(torrent, [seeder]),
  });
  await waitFor(async () => (await leecher.status()).isSeeding, { what: 'the leecher is done', timeoutMs: LEECH_TIMEOUT_MS });
});
