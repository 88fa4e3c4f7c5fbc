import { makeTempDir, pickFreePort, startLibtorrentSeeder } from '@lodestream/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRandomFilm, type RandomFilm } from '../random-film.ts';
import { type RunningDownloader, startDownloader } from '../start-downloader.ts';
import { attack, expectAlive, peakMemoryBytes, RSS_MAX_BYTES } from './attack.ts';
import { PEER_MESSAGES } from './peer-messages.ts';

const HEAP_MIB = 200;
const HASH = 'ee'.repeat(20);
const GROUPS = Object.entries(PEER_MESSAGES);

async function survive(downloader: RunningDownloader, port: number, infoHash: string, group: string): Promise<void> {
  for (const each of PEER_MESSAGES[group] ?? []) {
    await attack(port, infoHash, each);
    await expectAlive(downloader, each.name);
  }
  expect(peakMemoryBytes(downloader.pid)).toBeLessThan(RSS_MAX_BYTES);
}

describe('while nothing is known of the torrent', () => {
  it.each(GROUPS)('no %s ends, hangs or fills the process', async (group) => {
    await using work = await makeTempDir('work');
    const port = await pickFreePort('0.0.0.0');
    const options = { infoHash: HASH, workDir: work.path, peerPorts: [port, port] as [number, number] };
    await using downloader = await startDownloader({ ...options, nodeArgs: [`--max-old-space-size=${HEAP_MIB}`] });
    await survive(downloader, port, HASH, group);
  });
});

describe('while a film is read', () => {
  let film: RandomFilm;
  let seeder: Awaited<ReturnType<typeof startLibtorrentSeeder>>;
  beforeAll(async () => {
    film = await makeRandomFilm(4, 256 * 1024);
    seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.21.1' });
  });
  afterAll(async () => {
    await seeder[Symbol.asyncDispose]();
    await film[Symbol.asyncDispose]();
  });

  it.each(GROUPS)('no %s ends, hangs or fills the process, and no byte is wrong', async (group) => {
    await using work = await makeTempDir('work');
    const port = await pickFreePort('0.0.0.0');
    await using downloader = await startDownloader({
      infoHash: film.torrent.infoHash,
      workDir: work.path,
      peerPorts: [port, port],
      peers: [`${seeder.address}:${seeder.port}`],
      nodeArgs: [`--max-old-space-size=${HEAP_MIB}`],
    });
    // A part before, the rest after: a peer that is asked for pieces meanwhile lies about them or is silent.
    const half = film.bytes.length >> 1;
    expect((await downloader.read(0, 0, half)).equals(film.bytes.subarray(0, half))).toBe(true);
    await survive(downloader, port, film.torrent.infoHash, group);
    expect((await downloader.read(0, half, film.bytes.length)).equals(film.bytes.subarray(half))).toBe(true);
  });
});
