import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cpuMs,
  type LeecherClient,
  type LibtorrentPeer,
  makeTempDir,
  runProcess,
  startLeecher,
  type TestTorrent,
  waitFor,
} from '@lodestream/testing';
import { type RunningDownloader, startDownloader } from '../../../services/downloader/test/start-downloader.ts';
import { residentBytes } from './processes.ts';

const TIMEOUT_MS = 180_000;
const CONNECT_MS = 20_000;
const SAMPLE_MS = 50;
const POLL_MS = 20;
/** Characters of its log that a failure is told with. */
const LOG_TAIL = 4000;

/** What it took one client to fetch a whole torrent. */
export type Leech = { ms: number; cpuMs: number; residentBytes: number };

/** Ours, read to the end by curl: everything goes to the disk and comes back from it. */
export async function leechWithOurs(torrent: TestTorrent, seeder: LibtorrentPeer): Promise<Leech> {
  await using downloader = await startConnectedDownloader(torrent, [seeder]);
  return await observe(downloader.pid, () => readWithCurl(downloader, 0, torrent.lengthBytes));
}

/** Another client, from its connection on; aria2, which takes seconds to begin, from its first byte on. */
export async function leechWith(client: LeecherClient, torrent: TestTorrent, seeder: LibtorrentPeer): Promise<Leech> {
  await using dir = await makeTempDir('leech');
  const contentDir = join(dir.path, 'content');
  await mkdir(contentDir);
  await using leecher = await startLeecher({ client, torrent, dir: contentDir });
  const connect = () => seeder.connect(leecher.address, leecher.port);
  const has = (bytes: number) =>
    waitFor(async () => (await leecher.downloadedBytes()) >= bytes, {
      what: `${client} has ${bytes} bytes`,
      timeoutMs: TIMEOUT_MS,
      intervalMs: POLL_MS,
    });
  if (client === 'aria2') {
    await connect();
    await has(1);
    return await observe(leecher.pid, () => has(torrent.lengthBytes));
  }
  return await observe(leecher.pid, async () => {
    await connect();
    await has(torrent.lengthBytes);
  });
}

export type Peer = { address: string; port: number };

/** A downloader that knows its torrent and is connected to its peers; its directory goes with it. */
export async function startConnectedDownloader(torrent: TestTorrent, peers: readonly Peer[]): Promise<RunningDownloader> {
  const work = await makeTempDir('work');
  const downloader = await startDownloader({
    infoHash: torrent.infoHash,
    workDir: work.path,
    metainfo: torrent.metainfo,
    peers: peers.map(({ address, port }) => `${address}:${port}`),
  });
  await waitFor(async () => (await downloader.status()).swarm.peers >= peers.length, {
    what: 'the peers are connected',
    timeoutMs: CONNECT_MS,
  });
  return {
    ...downloader,
    [Symbol.asyncDispose]: async () => {
      await downloader.kill();
      await work[Symbol.asyncDispose]();
    },
  };
}

/** Reads bytes `[start, end)` of the first file, and gives the time that it took; an answer that is short is an error. */
export async function readWithCurl(downloader: RunningDownloader, start: number, end: number): Promise<number> {
  const startedAt = performance.now();
  const args = ['-sS', '-f', '-o', '/dev/null', '-w', '%{size_download}', '-r', `${start}-${end - 1}`];
  const output = await runProcess(
    'curl',
    [...args, '-H', `authorization: ${downloader.authorization}`, `${downloader.url}/files/0`],
    {
      timeoutMs: TIMEOUT_MS,
    },
  ).catch((error: Error) => {
    throw new Error(`${error.message}\nthe downloader said:\n${downloader.stderr().slice(-LOG_TAIL)}`);
  });
  if (Number(output) !== end - start) throw new Error(`${output} bytes came of ${end - start}`);
  return performance.now() - startedAt;
}

async function observe(pid: number, work: () => Promise<unknown>): Promise<Leech> {
  let most = 0;
  const sampler = setInterval(() => {
    most = Math.max(most, residentBytes(pid));
  }, SAMPLE_MS);
  try {
    const before = cpuMs(pid);
    const startedAt = performance.now();
    await work();
    return { ms: performance.now() - startedAt, cpuMs: cpuMs(pid) - before, residentBytes: most };
  } finally {
    clearInterval(sampler);
  }
}
