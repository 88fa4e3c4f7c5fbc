import { setTimeout as sleep } from 'node:timers/promises';
import { makeTempDir, startLibtorrentSeeder, startSeeder, waitFor } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { createRandom, makeRandomFilm } from './random-film.ts';
import { startDownloader } from './start-downloader.ts';

const MIB = 1024 * 1024;

/** Of what is asked for, a third is given up: half of that in the middle of the body, half at a moment of its own, often before the headers. */
const GIVEN_UP_SHARE = 1 / 6;
const GIVEN_UP_AFTER_MS = 30;

it.each(['libtorrent', 'transmission', 'webtorrent'] as const)(
  '1,000 random ranges of 8 readers, a third of them aborted, are the right bytes of a %s seeder',
  async (client) => {
    await using film = await makeRandomFilm(48, 256 * 1024);
    await using seeder = await startSeeder({ client, torrent: film.torrent, dir: film.dir });
    await using work = await makeTempDir('work');
    const budget = (client === 'transmission' ? 64 : 24) * MIB;
    await using downloader = await startDownloader({
      infoHash: film.torrent.infoHash,
      workDir: work.path,
      peers: [`${seeder.address}:${seeder.port}`],
      // Half of the film fits: what is read has to come from the seeder again and again. From transmission, which looks at
      // an empty queue every 500 ms, it comes once.
      diskBudgetBytes: budget,
    });

    const random = createRandom(7);
    const counts = { whole: 0, cut: 0, left: 0 };
    const readOne = async () => {
      const start = Math.floor(random() * film.bytes.length);
      const end = Math.min(film.bytes.length, start + Math.ceil(2 ** (random() * 21)));
      const fate = random();
      const stopAt = fate < GIVEN_UP_SHARE ? random() * (end - start) : Number.POSITIVE_INFINITY;
      const isLeaving = fate > 1 - GIVEN_UP_SHARE;
      const signal = isLeaving ? AbortSignal.timeout(Math.ceil(random() * GIVEN_UP_AFTER_MS)) : AbortSignal.timeout(60_000);
      let position = start;
      try {
        const response = await downloader.fetch('/files/0', { headers: { range: `bytes=${start}-${end - 1}` }, signal });
        if (response.status !== 206) throw new Error(`${response.status}: ${await response.text()}`);
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
          if (Buffer.compare(chunk, film.bytes.subarray(position, position + chunk.length)) !== 0)
            throw new Error(`wrong bytes from ${position} on`);
          position += chunk.length;
          if (position - start >= stopAt) break;
        }
      } catch (error) {
        if (isLeaving && signal.aborted) return void (counts.left += 1);
        throw error;
      }
      if (position < end) counts.cut += 1;
      else counts.whole += 1;
    };
    let asked = 0;
    const reader = async () => {
      for (; asked < 1000; ) {
        asked += 1;
        await readOne();
      }
    };
    await Promise.all(Array.from({ length: 8 }, reader));
    expect(counts.whole + counts.cut + counts.left).toBe(1000);
    expect(counts.whole).toBeGreaterThan(600);
    expect(counts.cut).toBeGreaterThan(30);
    expect(counts.left).toBeGreaterThan(30);
    expect((await downloader.status()).swarm.havePieces).toBeLessThanOrEqual(budget / (256 * 1024));
  },
);

it('a stream that nobody takes stops the download', async () => {
  await using film = await makeRandomFilm(160, 1024 * 1024);
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.1.2' });
  await using work = await makeTempDir('work');
  const options = { infoHash: film.torrent.infoHash, workDir: work.path, peers: [`${seeder.address}:${seeder.port}`] };
  await using downloader = await startDownloader(options);

  const response = await downloader.fetch('/files/0');
  const body = (response.body as ReadableStream<Uint8Array>).getReader();
  await body.read();
  // Buffers of both sockets fill, the window fills, and then nothing moves: two looks, a second apart, see the same.
  const settled = await waitFor(
    async () => {
      const before = await seeder.uploadedBytes();
      await sleep(1000);
      return before === (await seeder.uploadedBytes()) && before;
    },
    { what: 'the traffic ends', timeoutMs: 20_000 },
  );
  expect(settled).toBeLessThan(60 * MIB);

  await body.cancel();
  await sleep(500);
  expect(await seeder.uploadedBytes()).toBe(settled);
});

it('before the first bytes of a film are asked for, nothing is fetched; preparing it fetches head and tail alone', async () => {
  await using film = await makeRandomFilm(64, 256 * 1024);
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.1.3' });
  await using work = await makeTempDir('work');
  const options = { infoHash: film.torrent.infoHash, workDir: work.path, peers: [`${seeder.address}:${seeder.port}`] };
  await using downloader = await startDownloader(options);
  await waitFor(async () => (await downloader.status()).state === 'ready', { what: 'metadata is there', timeoutMs: 10_000 });
  await sleep(500);
  expect((await downloader.status()).swarm.havePieces).toBe(0);

  expect((await downloader.fetch('/files/0/prepare', { method: 'POST' })).status).toBe(204);
  const pieces = await waitFor(
    async () => {
      const status = await downloader.status(0);
      return status.swarm.havePieces === 9 && status.pieces;
    },
    { what: 'head and tail are there', timeoutMs: 10_000 },
  );
  await sleep(500);
  expect((await downloader.status()).swarm.havePieces).toBe(9);
  // 1 MiB at the head is 4 pieces, 1 MiB at the end touches 5, because the film ends inside its last piece.
  const bits = Buffer.from(pieces.have, 'base64');
  const have = Array.from({ length: pieces.count }, (_, index) => ((bits[index >> 3] as number) >> (7 - (index & 7))) & 1);
  expect(have.slice(0, 4)).toEqual([1, 1, 1, 1]);
  expect(have.slice(-5)).toEqual([1, 1, 1, 1, 1]);
});

it('a downloader that was killed downloads nothing again that it had, and trusts nothing that it finds', async () => {
  await using film = await makeRandomFilm(32, 256 * 1024);
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.1.4' });
  await using work = await makeTempDir('work');
  const options = { infoHash: film.torrent.infoHash, workDir: work.path, peers: [`${seeder.address}:${seeder.port}`] };
  const first = await startDownloader(options);
  const half = 16 * MIB;
  expect((await first.read(0, 0, half)).equals(film.bytes.subarray(0, half))).toBe(true);
  await first.kill();

  const { writeFile, readFile } = await import('node:fs/promises');
  const damaged = `${work.path}/pieces/0/5`;
  const bytes = await readFile(damaged);
  bytes[100] = (bytes[100] as number) ^ 0xff;
  await writeFile(damaged, bytes);

  await using second = await startDownloader(options);
  const before = await seeder.uploadedPieces();
  expect(before.length).toBeGreaterThanOrEqual(64);
  const uploadedBefore = await seeder.uploadedBytes();
  expect((await second.read(0, 0, half)).equals(film.bytes.subarray(0, half))).toBe(true);
  const again = (await seeder.uploadedBytes()) - uploadedBefore;
  // The damaged piece, and what the window of that read reached beyond what the first had.
  expect(again).toBeLessThan(3 * MIB);
});

it.each(['transmission', 'aria2'] as const)('%s as the only seeder serves a film', async (client) => {
  await using film = await makeRandomFilm(24, 512 * 1024);
  await using seeder = await startSeeder({ client, torrent: film.torrent, dir: film.dir });
  await using work = await makeTempDir('work');
  const options = { infoHash: film.torrent.infoHash, workDir: work.path, peers: [`${seeder.address}:${seeder.port}`] };
  await using downloader = await startDownloader(options);
  const response = await downloader.fetch('/files/0');
  expect(response.status).toBe(200);
  expect(Buffer.from(await response.arrayBuffer()).equals(film.bytes)).toBe(true);
});
