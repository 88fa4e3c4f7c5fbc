import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SwarmKnowledge } from '@lodestream/shared';
import { makeTempDir, startLibtorrentSeeder, waitFor } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { makeRandomFilm } from './random-film.ts';
import { startRawPeer } from './raw-peer.ts';
import { type RunningDownloader, startDownloader } from './start-downloader.ts';

const TIMEOUT_MS = 15_000;
const SETTLE_MS = 1000;
const addressOf = (peer: { address: string; port: number }) => `${peer.address}:${peer.port}`;
const isReady = (downloader: RunningDownloader) => async () => (await downloader.status()).state === 'ready';
const knowledgeOf = async (downloader: RunningDownloader) =>
  SwarmKnowledge.parse(await (await downloader.fetch('/knowledge?metadata=1')).json());

it('tells what it has learned, and the next one opens without peers and finds them again without a tracker', async () => {
  await using film = await makeRandomFilm(2, 256 * 1024);
  const { infoHash } = film.torrent;
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.31.1' });
  await using work = await makeTempDir('work');
  await using first = await startDownloader({ infoHash, workDir: work.path, peers: [addressOf(seeder)] });
  await first.read(0, 0, film.bytes.length);
  const known = await knowledgeOf(first);
  expect(known.peers).toEqual([addressOf(seeder)]);
  expect((await (await first.fetch('/knowledge')).json()) as object).not.toHaveProperty('metadata');
  await first.kill();

  await using other = await makeTempDir('work');
  await using second = await startDownloader({ infoHash, workDir: other.path, known });
  await waitFor(isReady(second), { what: 'it is open', timeoutMs: TIMEOUT_MS });
  expect((await second.read(0, 0, film.bytes.length)).equals(film.bytes)).toBe(true);

  // Nobody could give it the metadata here.
  await using alone = await makeTempDir('work');
  await using third = await startDownloader({ infoHash, workDir: alone.path, known: { ...known, peers: [] } });
  await waitFor(isReady(third), { what: 'it is open', timeoutMs: TIMEOUT_MS });
});

it('trusts nothing of it: metadata counts by its hash, and addresses pass the filter', async () => {
  await using film = await makeRandomFilm(1, 256 * 1024);
  const { infoHash } = film.torrent;
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.31.2' });
  let hits = 0;
  const canary = createServer((socket) => {
    hits += 1;
    socket.destroy();
  });
  canary.listen(0, '127.8.8.9');
  await once(canary, 'listening');
  await using _close = { [Symbol.asyncDispose]: async () => void canary.close() };
  const { port } = canary.address() as { port: number };
  const lie = Buffer.from(`d6:lengthi9e4:name1:x12:piece lengthi16384e6:pieces20:${'h'.repeat(20)}e`);
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({
    infoHash,
    workDir: work.path,
    allowedPrivateNetworks: ['127.9.0.0/16'],
    dhtBootstrap: [],
    known: {
      metadata: lie.toString('base64'),
      peers: [`127.8.8.9:${port}`, addressOf(seeder), 'nonsense'],
      dhtNodes: [`127.8.8.9:${port}`, ':'],
    },
  });
  await waitFor(isReady(downloader), { what: 'a peer tells the truth', timeoutMs: TIMEOUT_MS });
  expect((await downloader.read(0, 0, film.bytes.length)).equals(film.bytes)).toBe(true);
  await sleep(SETTLE_MS);
  expect(hits).toBe(0);
});

it('after a crash whoever was connected is dialled last, the youngest at the very end; after a goodbye nobody is suspected', async () => {
  const infoHash = 'ea'.repeat(20);
  const order: string[] = [];
  await using stack = new AsyncDisposableStack();
  const names = ['older', 'youngest', 'stranger'] as const;
  const peers = await Promise.all(
    names.map(async (name, index) =>
      stack.use(await startRawPeer(infoHash, `127.9.32.${index + 1}`, (_socket: Socket) => void order.push(name))),
    ),
  );
  const [older, youngest, stranger] = peers.map(addressOf) as [string, string, string];
  await using work = await makeTempDir('work');
  await using first = await startDownloader({ infoHash, workDir: work.path, peers: [older] });
  await waitFor(() => order.length === 1, { what: 'the first is connected', timeoutMs: TIMEOUT_MS });
  // What it says of a later connection it writes at once.
  await first.kill();
  await writeFile(join(work.path, 'connections'), `${older}\n${youngest}\n`);

  order.length = 0;
  await using second = await startDownloader({ infoHash, workDir: work.path, peers: [youngest, older, stranger] });
  await waitFor(() => order.length === names.length, { what: 'all are connected', timeoutMs: TIMEOUT_MS });
  expect(order).toEqual(['stranger', 'older', 'youngest']);

  process.kill(second.pid, 'SIGTERM');
  expect(await second.exited).toBe(0);
  expect(existsSync(join(work.path, 'connections'))).toBe(false);
});

it('a killed one is open again at once, also when nobody who has the metadata is left', async () => {
  await using film = await makeRandomFilm(1, 256 * 1024);
  const { infoHash } = film.torrent;
  await using work = await makeTempDir('work');
  {
    await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.31.3' });
    await using first = await startDownloader({ infoHash, workDir: work.path, peers: [addressOf(seeder)] });
    await first.read(0, 0, film.bytes.length);
    await first.kill();
  }
  await using second = await startDownloader({ infoHash, workDir: work.path });
  await waitFor(isReady(second), { what: 'it is open', timeoutMs: TIMEOUT_MS });
  expect((await second.read(0, 0, film.bytes.length)).equals(film.bytes)).toBe(true);
  // A damaged note is no note.
  await second.kill();
  await writeFile(join(work.path, 'info'), 'd4:');
  await writeFile(join(work.path, 'served-peers.json'), '["');
  await using third = await startDownloader({ infoHash, workDir: work.path });
  expect((await third.status()).state).toBe('resolving');
});
