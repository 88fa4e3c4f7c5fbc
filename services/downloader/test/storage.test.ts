import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTempDir, startLeecher, startLibtorrentSeeder, waitFor } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { createRandom, makeRandomFilm } from './random-film.ts';
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

/** As many as there are upload slots for beside the seeder. */
const KINDS = ['libtorrent', 'transmission', 'webtorrent'] as const;
/** Of a film of three budgets, so long ago and so far back that it has gone. */
const LOOKS = 20;

it('a film of three times the budget is read whole and again while three kinds of leechers take from us', async () => {
  await using film = await makeRandomFilm(192, MIB);
  await using seeder = await startLibtorrentSeeder({
    torrent: film.torrent,
    dir: film.dir,
    address: '127.9.6.1',
    // The read takes so long that all of the leechers, transmission too, have begun before it ends.
    uploadBytesPerSecond: 12 * MIB,
  });
  await using leech = await makeTempDir('leech');
  const leechers = await Promise.all(
    KINDS.map(async (client) => {
      const dir = join(leech.path, client);
      await mkdir(dir);
      return startLeecher({ client, torrent: film.torrent, dir });
    }),
  );
  await using stack = new AsyncDisposableStack();
  for (const leecher of leechers) stack.use(leecher);
  await using work = await makeTempDir('work');
  const budget = 64 * MIB;
  await using downloader = await startDownloader({
    infoHash: film.torrent.infoHash,
    workDir: work.path,
    metainfo: film.torrent.metainfo,
    peers: [seeder, ...leechers].map(({ address, port }) => `${address}:${port}`),
    diskBudgetBytes: budget,
    uploadBytesPerSecond: 8 * MIB,
  });
  const looks: number[] = [];
  const isOver = new AbortController();
  const watching = (async () => {
    for (; !isOver.signal.aborted; await sleep(100)) looks.push(await diskUsage(work.path));
  })();
  stack.defer(() => {
    isOver.abort();
    return watching;
  });
  const read = async (start: number, end: number) => {
    const response = await downloader.fetch('/files/0', { headers: { range: `bytes=${start}-${end - 1}` } });
    let position = start;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      if (Buffer.compare(chunk, film.bytes.subarray(position, position + chunk.length)) !== 0)
        throw new Error(`wrong bytes from ${position} on`);
      position += chunk.length;
    }
    expect(position).toBe(end);
  };
  await read(0, film.bytes.length);
  // The beginning has gone, and comes again.
  const have = Buffer.from((await downloader.status(0)).pieces?.have ?? '', 'base64');
  expect(have.subarray(0, 3)).toEqual(Buffer.alloc(3));
  await read(0, 24 * MIB);
  // Nobody who asks for what has gone stops anybody, and we go on giving what is here.
  const given = await Promise.all(leechers.map((leecher) => leecher.downloadedBytes()));
  console.info(`given: ${KINDS.map((client, index) => `${client} ${Math.round((given[index] ?? 0) / MIB)} MiB`).join(', ')}`);
  // transmission begins to ask after ten seconds, for pieces that have gone, and understands no word of that.
  for (const [index, client] of KINDS.entries()) if (client !== 'transmission') expect(given[index]).toBeGreaterThan(MIB);
  const random = createRandom(3);
  for (let look = 0; look < LOOKS; look++) {
    const start = Math.floor(random() * (film.bytes.length - MIB));
    await read(start, start + MIB);
  }
  const most = Math.max(...looks);
  console.info(`disk at most ${(most / MIB).toFixed(1)} MiB of ${budget / MIB} in ${looks.length} looks`);
  expect(most).toBeGreaterThan(budget / 2);
  // Of the reserve no more than what was being written or deleted at the moment of a look.
  expect(most).toBeLessThanOrEqual(budget + 4 * MIB);
  expect((await downloader.status()).swarm.havePieces).toBeLessThanOrEqual(64);
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
