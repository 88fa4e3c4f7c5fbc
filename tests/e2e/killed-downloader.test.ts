import { createCipheriv } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiPaths } from '@lodestream/shared';
import { buildMagnet, createTorrent, makeTempDir, startGateway, startLibtorrentSeeder, waitFor } from '@lodestream/testing';
import { expect, test } from 'vitest';
import { seededRandom } from './support/random.ts';

const MIB = 1024 * 1024;
/** In CI few; twenty take two minutes. */
const KILLS = Number(process.env.LODESTREAM_TEST_KILLS ?? 4);
/** A downloader lives at least so long before it is killed: one that dies sooner, again and again, is started more slowly each time. */
const LIFE_MS = { least: 5200, spread: 2500 };
const LINE_BYTES_PER_SECOND = 3 * MIB;
/** The film is so long that it is not over when the last kill has been seen through. */
const FILM_BYTES = (16 + KILLS * 24) * MIB + 12_345;
const PIECE_BYTES = 256 * 1024;
/** What lies in sockets and in the gateway when the downloader dies comes out for a moment yet. */
const SILENCE_MAX_MS = 8000;
const READ_MS = 60_000 + KILLS * 15_000;

test(
  `a viewer reads on while the downloader is killed ${KILLS} times: every byte is right, and nothing is fetched twice`,
  async () => {
    await using dir = await makeTempDir('film');
    const bytes = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16)).update(Buffer.alloc(FILM_BYTES));
    await writeFile(join(dir.path, 'film.mkv'), bytes);
    const torrent = await createTorrent({ dir: dir.path, name: 'film.mkv', pieceLengthBytes: PIECE_BYTES });
    await using seeder = await startLibtorrentSeeder({
      torrent,
      dir: dir.path,
      address: '127.9.12.1',
      uploadBytesPerSecond: LINE_BYTES_PER_SECOND,
    });
    await using gateway = await startGateway();
    const posted = await fetch(`${gateway.baseUrl}/api/v1/torrents`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ magnet: buildMagnet(torrent, [seeder]) }),
    });
    expect(posted.status).toBe(201);

    const reading = readWhole(`${gateway.baseUrl}${apiPaths.content(torrent.infoHash, 0)}`, bytes);
    await waitFor(() => reading.position() > 0, { what: 'the first byte', timeoutMs: 30_000 });
    const folder = join(gateway.dataDir, 'workloads', `dl-${torrent.infoHash}`);
    const random = seededRandom(11);
    let again = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await Promise.race([sleep(LIFE_MS.least + random() * LIFE_MS.spread), reading.done]);
      expect(reading.position()).toBeLessThan(FILM_BYTES);
      process.kill(await findDownloader(folder), 'SIGKILL');
      const had = await listPieces(folder);
      // From here on it counts what the seeder sends to the next one.
      await waitFor(async () => (await seeder.status()).peers === 0, {
        what: 'the seeder has noticed',
        timeoutMs: 2000,
        intervalMs: 5,
      });
      await seeder.takeUploadedPieces();
      const before = reading.position();
      await waitFor(() => reading.position() > before + 2 * MIB, { what: 'the read goes on', timeoutMs: 30_000 });
      const sent = new Set(await seeder.uploadedPieces());
      again += had.filter((pieceIndex) => sent.has(pieceIndex)).length;
      expect(had.length).toBeGreaterThan(8);
    }
    await reading.done;
    console.info(`${KILLS} kills: longest silence ${Math.round(reading.longestSilenceMs())} ms, ${again} pieces fetched twice`);
    expect(reading.position()).toBe(FILM_BYTES);
    expect(again).toBe(0);
    expect(reading.longestSilenceMs()).toBeLessThan(SILENCE_MAX_MS);
  },
  READ_MS,
);

/** One request for the whole file, as a player's; every chunk is compared. */
function readWhole(url: string, bytes: Buffer) {
  let position = 0;
  let longestSilenceMs = 0;
  const done = (async () => {
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      get(url, { signal: AbortSignal.timeout(READ_MS) }, resolve).on('error', reject);
    });
    if (response.statusCode !== 200) throw new Error(`the file is answered with ${response.statusCode}`);
    let lastAt = performance.now();
    for await (const chunk of response as AsyncIterable<Buffer>) {
      longestSilenceMs = Math.max(longestSilenceMs, performance.now() - lastAt);
      lastAt = performance.now();
      if (!chunk.equals(bytes.subarray(position, position + chunk.length))) throw new Error(`wrong bytes from ${position} on`);
      position += chunk.length;
    }
  })();
  // It is awaited at the end; until then a failure shows as a position that stands.
  done.catch(() => {});
  return { done, position: () => position, longestSilenceMs: () => longestSilenceMs };
}

/** By what the gateway has written down: other downloaders may stand by. */
async function findDownloader(folder: string): Promise<number> {
  return JSON.parse(await readFile(join(folder, 'record.json'), 'utf8')).pid;
}

/** Pieces that lie whole on the disk. */
async function listPieces(folder: string): Promise<number[]> {
  const names = await readdir(join(folder, 'work', 'pieces'), { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile() && /^\d+$/.test(entry.name)).map((entry) => Number(entry.name));
}
