import { once } from 'node:events';
import type { Socket } from 'node:net';
import { makeTempDir, pickFreePort, runInNamespace, waitFor } from '@lodestream/testing';
import { expect, it } from 'vitest';
import type { SlowLookupInput, SlowLookupOutput } from '../namespace/slow-lookup.ts';
import { handshake, sayTo, startRawPeer, uint32 } from '../raw-peer.ts';
import { startDownloader } from '../start-downloader.ts';
import { expectAlive, greet } from './attack.ts';

const HASH = 'ed'.repeat(20);
/** The limit of webtorrent.md §11.3. */
const INCOMING_MAX = 30;
/** Nobody is dialled while so many are open. */
const CONNECTIONS_MAX = 55;
const TIMEOUT_MS = 20_000;

const OPENINGS: [string, Buffer[]][] = [
  ['96 zeros', [Buffer.alloc(96)]],
  ['96 bytes of ff', [Buffer.alloc(96, 0xff)]],
  ['200 times A', [Buffer.alloc(200, 'A')]],
  ['the handshake of another torrent', [handshake('ab'.repeat(20))]],
  ['half a handshake', [handshake(HASH).subarray(0, 30)]],
  ['a handshake byte by byte', [...handshake(HASH)].map((byte) => Buffer.from([byte]))],
  ['a request of the web', [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]],
  ['a greeting of TLS', [Buffer.from('16030100c8010000c40303', 'hex'), Buffer.alloc(200, 3)]],
  ['a stream of zeros', Array<Buffer>(64).fill(Buffer.alloc(256 << 10))],
];

it('whoever connects may say anything before it has named a torrent', async () => {
  const port = await pickFreePort('0.0.0.0');
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({ infoHash: HASH, workDir: work.path, peerPorts: [port, port] });
  for (const [name, opening] of OPENINGS) {
    await sayTo(port, opening, 200);
    await expectAlive(downloader, name);
  }
  // Gone before it was heard, many times: what was accepted is let go of.
  for (let round = 0; round < 100; round++) await sayTo(port, [handshake(HASH)], 0);
  await expectAlive(downloader, 'peers that come and go');
  await waitFor(async () => (await downloader.status()).swarm.peers === 0, { what: 'nobody is left', timeoutMs: 5000 });
});

it('of many that connect thirty stay, and when they go others may come', async () => {
  const port = await pickFreePort('0.0.0.0');
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({ infoHash: HASH, workDir: work.path, peerPorts: [port, port] });
  const isOpen = (socket: Socket) => !socket.destroyed;
  for (const round of ['first', 'second']) {
    const sockets = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const socket = await greet(port, HASH, { localAddress: `127.0.0.${index + 2}` }).catch(() => null);
        return socket;
      }),
    );
    const greeted = sockets.filter((socket) => socket !== null);
    expect([round, greeted.filter(isOpen).length]).toEqual([round, INCOMING_MAX]);
    expect((await downloader.status()).swarm.peers).toBe(INCOMING_MAX);
    for (const socket of greeted) socket.destroy();
    await Promise.all(greeted.filter((socket) => !socket.closed).map((socket) => once(socket, 'close')));
    await waitFor(async () => (await downloader.status()).swarm.peers === 0, { what: 'they have left', timeoutMs: 5000 });
  }
});

it('who says something impossible in one breath with its handshake takes no place', async () => {
  const port = await pickFreePort('0.0.0.0');
  await using work = await makeTempDir('work');
  // It hangs up, and is dialled again a second later: where there is a place left.
  await using peer = await startRawPeer(HASH, '127.9.27.1', (socket) => socket.destroy());
  const options = { infoHash: HASH, workDir: work.path, peers: [`${peer.address}:${peer.port}`] };
  await using _downloader = await startDownloader({ ...options, peerPorts: [port, port] });
  await waitFor(() => peer.connections() > 0, { what: 'it is dialled', timeoutMs: TIMEOUT_MS });
  const breath = Buffer.concat([handshake(HASH), uint32(0xffff_ffff)]);
  for (let count = 0; count < CONNECTIONS_MAX; count++) await sayTo(port, [breath], 0);
  const before = peer.connections();
  await waitFor(() => peer.connections() > before, { what: 'it is dialled again', timeoutMs: TIMEOUT_MS });
});

it.each(['plain', 'encrypted'] as const)(
  'who leaves while it is looked up which torrent it means takes no place, %s',
  async (opening) => {
    const script = new URL('../namespace/slow-lookup.ts', import.meta.url);
    const input: SlowLookupInput = { opening };
    const { peers } = await runInNamespace<SlowLookupOutput>(script, input, { timeoutMs: 2 * TIMEOUT_MS });
    expect(peers).toBe(0);
  },
);
