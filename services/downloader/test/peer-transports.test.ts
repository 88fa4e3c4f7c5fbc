import { createDiffieHellman } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, type LibtorrentOptions, makeTempDir, pickFreePort, startLibtorrentSeeder, waitFor } from '@lodestream/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MSE_PRIME, openEncrypted } from './encrypted-peer.ts';
import { makeRandomFilm, type RandomFilm } from './random-film.ts';
import { type RunningDownloader, startDownloader } from './start-downloader.ts';

const NETWORKS = ['127.0.0.0/8', '::1/128'];
const CORRUPT_FILM = 'film.mkv';
/** The length of the name of the protocol (BEP 3). */
const PLAIN_OPENING = 19;

let film: RandomFilm;
beforeAll(async () => {
  film = await makeRandomFilm(4, 64 * 1024, CORRUPT_FILM);
});
afterAll(() => film[Symbol.asyncDispose]());

type Kind = Pick<LibtorrentOptions, 'address' | 'encryption' | 'transport'>;

const startSeeder = (kind: Kind, dir = film.dir) => startLibtorrentSeeder({ torrent: film.torrent, dir, ...kind });

async function expectWholeFilm(downloader: RunningDownloader): Promise<void> {
  const whole = Buffer.from(await (await downloader.fetch('/files/0', { signal: AbortSignal.timeout(30_000) })).arrayBuffer());
  expect(whole.equals(film.bytes)).toBe(true);
}

const KINDS: [string, Kind, { isEncrypted: boolean; isUtp: boolean }][] = [
  ['speaks plain only', { address: '127.9.21.1', encryption: 'plaintext' }, { isEncrypted: false, isUtp: false }],
  ['requires RC4', { address: '127.9.21.2', encryption: 'rc4' }, { isEncrypted: true, isUtp: false }],
  ['takes either', { address: '127.9.21.3', encryption: 'both' }, { isEncrypted: false, isUtp: false }],
  ['has uTP only', { address: '127.9.21.4', transport: 'utp' }, { isEncrypted: false, isUtp: true }],
  ['requires RC4 over uTP', { address: '127.9.21.5', transport: 'utp', encryption: 'rc4' }, { isEncrypted: true, isUtp: true }],
  ['is at an IPv6 address', { address: '::1' }, { isEncrypted: false, isUtp: false }],
];

it.each(KINDS)('a seeder that %s is found by its address alone', async (_name, kind, expected) => {
  await using seeder = await startSeeder(kind);
  const host = kind.address.includes(':') ? `[${kind.address}]` : kind.address;
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({
    infoHash: film.torrent.infoHash,
    workDir: work.path,
    peers: [`${host}:${seeder.port}`],
    allowedPrivateNetworks: NETWORKS,
  });
  await expectWholeFilm(downloader);
  const [us] = await seeder.peerInfo();
  expect(us).toMatchObject(expected);
});

it.each(['plaintext', 'rc4', 'both'] as const)('a seeder that dials us, encryption %s, is used', async (encryption) => {
  await using seeder = await startSeeder({ address: '127.9.22.1', encryption });
  const port = await pickFreePort('0.0.0.0');
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({
    infoHash: film.torrent.infoHash,
    workDir: work.path,
    peerPorts: [port, port],
  });
  await seeder.connect('127.0.0.1', port);
  await expectWholeFilm(downloader);
  expect((await seeder.peerInfo())[0]).toMatchObject({ isEncrypted: encryption === 'rc4' });
});

describe('a seeder whose bytes are wrong is banned, and neither our redial nor its own comes through', () => {
  it.each([
    ['encrypted', { address: '127.9.23.1', encryption: 'rc4' }],
    ['by uTP', { address: '127.9.23.2', transport: 'utp' }],
  ] as [string, Kind][])('%s', async (_name, kind) => {
    await using damaged = await makeTempDir('damaged');
    await writeFile(join(damaged.path, CORRUPT_FILM), Buffer.alloc(film.bytes.length, 7));
    await using liar = await startSeeder(kind, damaged.path);
    await using work = await makeTempDir('work');
    const port = await pickFreePort('0.0.0.0');
    await using downloader = await startDownloader({
      infoHash: film.torrent.infoHash,
      metainfo: film.torrent.metainfo,
      workDir: work.path,
      peers: [`${liar.address}:${liar.port}`],
      peerPorts: [port, port],
    });
    const reading = downloader
      .fetch('/files/0', { signal: AbortSignal.timeout(30_000) })
      .then(async (response) => response.arrayBuffer());
    reading.catch(() => {});
    await waitFor(() => downloader.stderr().includes('peer banned'), { what: 'the liar is banned', timeoutMs: 20_000 });
    // Longer than the first redial would take; and each of its own dials is refused.
    const until = performance.now() + 3000;
    await waitFor(async () => (await liar.status()).peers === 0, { what: 'it is gone', timeoutMs: 10_000 });
    while (performance.now() < until) {
      await liar.connect('127.0.0.1', port);
      await sleep(250);
      expect((await downloader.status()).swarm.peers).toBe(0);
    }
    await using good = await startSeeder({ address: '127.9.23.9' });
    const isHere = async () => {
      await good.connect('127.0.0.1', port);
      return (await downloader.status()).swarm.peers === 1;
    };
    await waitFor(isHere, { what: 'a good seeder is let in', timeoutMs: 10_000, intervalMs: 500 });
    expect(Buffer.from(await reading).equals(film.bytes)).toBe(true);
  });
});

it('encrypted connections cost little, whoever opens them', async () => {
  const port = await pickFreePort('0.0.0.0');
  await using work = await makeTempDir('work');
  const { infoHash } = film.torrent;
  await using downloader = await startDownloader({ infoHash, workDir: work.path, peerPorts: [port, port] });
  const before = performance.now();
  for (let count = 0; count < 4; count++) createDiffieHellman(MSE_PRIME, 'hex', 2);
  const testedPrimeMs = (performance.now() - before) / 4;
  const cpuBefore = cpuMs(downloader.pid);
  const connections = 25;
  await openEncrypted(port, connections);
  // Testing the prime anew for each of them would be 25 times.
  expect(cpuMs(downloader.pid) - cpuBefore).toBeLessThan(testedPrimeMs * 12);
});

it('a peer is dialled by TCP and in plain first: nothing comes by UDP before that', async () => {
  const heard: string[] = [];
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data: Buffer) => {
      heard.push(data[0] === PLAIN_OPENING ? 'plain' : 'encrypted');
      socket.destroy();
    });
  });
  tcp.listen(0, '127.9.23.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4', () => heard.push('udp'));
  udp.bind(port, '127.9.23.1');
  await once(udp, 'listening');
  try {
    await using work = await makeTempDir('work');
    const peers = [`127.9.23.1:${port}`];
    await using _downloader = await startDownloader({ infoHash: film.torrent.infoHash, workDir: work.path, peers });
    await waitFor(() => heard.length > 0, { what: 'it is dialled', timeoutMs: 20_000 });
    expect(heard[0]).toBe('plain');
  } finally {
    tcp.close();
    udp.close();
  }
});
