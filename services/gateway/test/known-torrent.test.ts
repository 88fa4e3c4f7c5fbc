import { createCipheriv, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiPaths, type Torrent } from '@lodestream/shared';
import {
  buildMagnet,
  createTorrent,
  makeTempDir,
  startGateway,
  startLibtorrentSeeder,
  type TestGateway,
  waitFor,
} from '@lodestream/testing';
import { expect, it } from 'vitest';

/** Longer than a busy machine needs between two requests, short enough to be waited for. */
const TTL_SECONDS = 5;
const TIMEOUT_MS = 30_000;
/** A downloader is asked what it knows so soon after its start; that it was asked shows nowhere else. */
const ASKED_MS = 4000;
const LENGTH_BYTES = 6_000_000;
/** Of the whole file: how long the read takes while the downloader is killed twice. */
const READ_SECONDS = 6;

async function makeFilm() {
  const dir = await makeTempDir('film');
  const bytes = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16)).update(Buffer.alloc(LENGTH_BYTES));
  await writeFile(join(dir.path, 'film.bin'), bytes);
  const torrent = await createTorrent({ dir: dir.path, name: 'film.bin' });
  return { dir, bytes, torrent, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

const post = (gateway: TestGateway, body: object) =>
  fetch(gateway.baseUrl + apiPaths.torrents(), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const read = async (gateway: TestGateway, infoHash: string) => {
  for (;;) {
    const response = await fetch(gateway.baseUrl + apiPaths.content(infoHash, 0), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status === 200) return Buffer.from(await response.arrayBuffer());
    if (response.status !== 503) throw new Error(`${response.status}: ${await response.text()}`);
    await response.body?.cancel();
  }
};
const findDownloader = (gateway: TestGateway) => gateway.workers().find((one) => one.command.includes('downloader/src/main.ts'));

it('a torrent that was open once is found again by its hash alone, and opens also when nobody is there', async () => {
  await using film = await makeFilm();
  const { infoHash } = film.torrent;
  await using gateway = await startGateway({
    settings: { LODESTREAM_CACHE_TTL_SECONDS: String(TTL_SECONDS), LODESTREAM_STANDBY: 'false' },
  });
  {
    await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir.path, address: '127.9.41.1' });
    expect((await post(gateway, { magnet: buildMagnet(film.torrent, [seeder]) })).status).toBe(201);
    expect((await read(gateway, infoHash)).equals(film.bytes)).toBe(true);
    await sleep(ASKED_MS);
    await waitFor(() => !findDownloader(gateway), { what: 'it has expired', timeoutMs: TIMEOUT_MS });

    // No tracker, no DHT, no address: only what is remembered.
    expect((await post(gateway, { infoHash })).status).toBe(201);
    expect((await read(gateway, infoHash)).equals(film.bytes)).toBe(true);
    await waitFor(() => !findDownloader(gateway), { what: 'it has expired', timeoutMs: TIMEOUT_MS });
  }
  expect((await post(gateway, { infoHash })).status).toBe(201);
  const opened = await waitFor(
    async () => {
      const torrent = (await (await fetch(gateway.baseUrl + apiPaths.torrent(infoHash))).json()) as Torrent;
      return torrent.status === 'ready' && torrent;
    },
    { what: 'it opens', timeoutMs: TIMEOUT_MS },
  );
  expect(opened.files.map((file) => file.lengthBytes)).toEqual([LENGTH_BYTES]);
  expect(opened.swarm.peers).toBe(0);
});

it('the read of a viewer goes on, byte for byte, while his downloader dies again and again', async () => {
  await using film = await makeFilm();
  const uploadBytesPerSecond = Math.ceil(LENGTH_BYTES / READ_SECONDS);
  await using seeder = await startLibtorrentSeeder({
    torrent: film.torrent,
    dir: film.dir.path,
    address: '127.9.41.2',
    uploadBytesPerSecond,
  });
  await using gateway = await startGateway();
  await post(gateway, { magnet: buildMagnet(film.torrent, [seeder]) });
  const whole = read(gateway, film.torrent.infoHash);
  // As V8 ends a process that is out of heap; and as the kernel does.
  for (const signal of ['SIGABRT', 'SIGKILL'] as const) {
    const victim = await waitFor(() => findDownloader(gateway), { what: 'a downloader runs', timeoutMs: TIMEOUT_MS });
    await waitFor(
      async () => {
        const torrent = (await (await fetch(gateway.baseUrl + apiPaths.torrent(film.torrent.infoHash))).json()) as Torrent;
        return torrent.swarm.havePieces > 0;
      },
      { what: 'it serves', timeoutMs: TIMEOUT_MS },
    );
    process.kill(victim.pid, signal);
    await waitFor(() => findDownloader(gateway)?.pid !== victim.pid, { what: 'it has died', timeoutMs: TIMEOUT_MS });
  }
  expect((await whole).equals(film.bytes)).toBe(true);
});
