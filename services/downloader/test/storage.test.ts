import { execFileSync } from 'node:child_process';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempDir, startLibtorrentSeeder, waitFor } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { makeRandomFilm } from './random-film.ts';
import { startDownloader } from './start-downloader.ts';

const MIB = 1024 * 1024;

async function diskUsage(dir: string): Promise<number> {
  const sizes = (await readdir(dir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name))
        .then((each) => each.size)
        .catch(() => 0),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

it('a film larger than the budget is read whole and again, while the disk stays within it', async () => {
  await using film = await makeRandomFilm(192, 1024 * 1024);
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.6.1' });
  await using work = await makeTempDir('work');
  const budget = 64 * MIB;
  const peers = [`${seeder.address}:${seeder.port}`];
  await using downloader = await startDownloader({
    infoHash: film.torrent.infoHash,
    workDir: work.path,
    peers,
    diskBudgetBytes: budget,
  });
  const response = await downloader.fetch('/files/0');
  let position = 0;
  let most = 0;
  let lastLookAt = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    expect(Buffer.compare(chunk, film.bytes.subarray(position, position + chunk.length))).toBe(0);
    position += chunk.length;
    if (position - lastLookAt < 16 * MIB) continue;
    lastLookAt = position;
    most = Math.max(most, await diskUsage(work.path));
  }
  expect(position).toBe(film.bytes.length);
  expect(most).toBeGreaterThan(budget / 2);
  // Pieces that are being written or deleted at this moment are counted by one side only.
  expect(most).toBeLessThanOrEqual(budget + 4 * MIB);
  expect((await downloader.status()).swarm.havePieces).toBeLessThanOrEqual(64);
  expect((await downloader.read(0, 0, 3 * MIB)).equals(film.bytes.subarray(0, 3 * MIB))).toBe(true);
});

/** Pieces by number, and notes under names of ours. */
const OUR_NAMES = /^\/(pieces(\/\d+(\/\d+)?)?|connections|info|served-peers\.json|spec\.json)$/;

it('names of a torrent never reach the disk', async () => {
  await using film = await makeRandomFilm(2, 64 * 1024, 'a;rm -rf $HOME`x`.mkv');
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.6.2' });
  await using work = await makeTempDir('work');
  const peers = [`${seeder.address}:${seeder.port}`];
  await using downloader = await startDownloader({ infoHash: film.torrent.infoHash, workDir: work.path, peers });
  await downloader.read(0, 0, film.bytes.length);
  const paths = (await readdir(work.path, { recursive: true, withFileTypes: true })).map((entry) =>
    join(entry.parentPath, entry.name),
  );
  expect(paths.length).toBeGreaterThan(20);
  for (const path of paths) expect(path.slice(work.path.length)).toMatch(OUR_NAMES);
});

const canMount = (() => {
  try {
    execFileSync('unshare', ['-rm', 'true'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();
if (!canMount) process.stderr.write('No right to mount a small disk: the full disk is not tested.\n');

async function mountSmallDisk(path: string, sizeMiB: number): Promise<AsyncDisposable> {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', path]);
  return { [Symbol.asyncDispose]: async () => void execFileSync('umount', ['-l', path]) };
}

it.runIf(canMount)('a film is read whole through a disk that is smaller than it', async () => {
  await using film = await makeRandomFilm(60, 1024 * 1024);
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.6.3' });
  await using work = await makeTempDir('work');
  await using _disk = await mountSmallDisk(work.path, 20);
  const peers = [`${seeder.address}:${seeder.port}`];
  await using downloader = await startDownloader({ infoHash: film.torrent.infoHash, workDir: work.path, peers });
  let position = 0;
  for (let attempt = 0; position < film.bytes.length && attempt < 5; attempt++) {
    const response = await downloader.fetch('/files/0', { headers: { range: `bytes=${position}-` } });
    try {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        expect(Buffer.compare(chunk, film.bytes.subarray(position, position + chunk.length))).toBe(0);
        position += chunk.length;
      }
    } catch {
      // A read may break off when the disk is found full; never with a wrong byte, and the next goes on.
    }
  }
  expect(position).toBe(film.bytes.length);
});

it.runIf(canMount)('a full disk is storage-full, the process lives, and goes on when there is room', async () => {
  await using film = await makeRandomFilm(4, 1024 * 1024);
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.6.4' });
  await using work = await makeTempDir('work');
  await using _disk = await mountSmallDisk(work.path, 8);
  const foreign = join(work.path, 'foreign');
  await writeFile(foreign, Buffer.alloc(8 * MIB - 64 * 1024));
  const peers = [`${seeder.address}:${seeder.port}`];
  await using downloader = await startDownloader({ infoHash: film.torrent.infoHash, workDir: work.path, peers });
  const read = await downloader.fetch('/files/0');
  expect([read.status, await read.json()]).toMatchObject([503, { code: 'storage-full' }]);
  expect((await downloader.status()).state).toBe('ready');
  await rm(foreign);
  const again = await waitFor(
    async () => {
      const response = await downloader.fetch('/files/0');
      return response.status === 200 ? response : void (await response.arrayBuffer());
    },
    { what: 'it goes on', timeoutMs: 15_000, intervalMs: 500 },
  );
  expect(Buffer.from(await again.arrayBuffer()).equals(film.bytes)).toBe(true);
});
