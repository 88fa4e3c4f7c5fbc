import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTempDir, waitFor } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { startDownloader } from '../start-downloader.ts';
import { expectAlive, peakMemoryBytes, RSS_MAX_BYTES } from './attack.ts';
import { HTTP_ANSWERS, HTTP_INTERVALS } from './http-answers.ts';
import { UDP_TRACKER_ANSWERS } from './udp-packets.ts';
import { websocketMessages } from './websocket-messages.ts';
import { startWebSocketServer } from './websocket-server.ts';

const HASH = 'ef'.repeat(20);
const HEAP_ARGS = ['--max-old-space-size=160'];
/** webtorrent gives a tracker 15 s, and what happens then must not end it either. */
const TRACKER_PATIENCE_MS = 17_000;
const LOOK_EVERY_MS = 500;
const ASKED_TIMEOUT_MS = 15_000;

async function listen(server: Server, address = '127.0.0.1'): Promise<AsyncDisposable & { url: string }> {
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const dispose = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const host = address.includes(':') ? `[${address}]` : address;
  return { url: `http://${host}:${port}/announce`, [Symbol.asyncDispose]: dispose };
}

/** A tracker for each name, and how often each was asked. */
async function startTrackers(names: readonly string[], answer: (name: string, response: ServerResponse) => void) {
  const stack = new AsyncDisposableStack();
  const asked = new Map<string, number>();
  const urls: string[] = [];
  for (const name of names) {
    const server = createServer((_request, response) => {
      asked.set(name, (asked.get(name) ?? 0) + 1);
      answer(name, response);
    });
    urls.push(stack.use(await listen(server)).url);
  }
  return { asked, urls, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}

it('no HTTP tracker ends, hangs or fills the process, also when our patience is over, or is asked again and again', async () => {
  const names = [...Object.keys(HTTP_ANSWERS), ...Object.keys(HTTP_INTERVALS)];
  await using trackers = await startTrackers(names, (name, response) => {
    const interval = HTTP_INTERVALS[name];
    if (interval === undefined) HTTP_ANSWERS[name]?.(response);
    else response.end(interval);
  });
  await using work = await makeTempDir('work');
  const options = { infoHash: HASH, workDir: work.path, trackers: trackers.urls, nodeArgs: HEAP_ARGS };
  await using downloader = await startDownloader(options);
  await waitFor(() => trackers.asked.size === names.length, { what: 'all have been asked', timeoutMs: ASKED_TIMEOUT_MS });
  const deadline = performance.now() + TRACKER_PATIENCE_MS;
  while (performance.now() < deadline) {
    await sleep(LOOK_EVERY_MS);
    await expectAlive(downloader, 'all answers');
  }
  for (const [name, count] of trackers.asked)
    expect([name, count <= (name === 'a redirect to itself' ? 25 : 2)]).toEqual([name, true]);
  expect(peakMemoryBytes(downloader.pid)).toBeLessThan(RSS_MAX_BYTES);
});

it('no UDP tracker ends or hangs the process, or is asked again and again', async () => {
  await using stack = new AsyncDisposableStack();
  const asked = new Map<string, number>();
  const urls: string[] = [];
  for (const [name, answer] of Object.entries(UDP_TRACKER_ANSWERS)) {
    const socket = createSocket('udp4');
    socket.on('message', (packet, from) => {
      asked.set(name, (asked.get(name) ?? 0) + 1);
      socket.send(answer(packet.subarray(12, 16)), from.port, from.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    stack.defer(() => void socket.close());
    urls.push(`udp://127.0.0.1:${socket.address().port}/announce`);
  }
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({ infoHash: HASH, workDir: work.path, trackers: urls, nodeArgs: HEAP_ARGS });
  await waitFor(() => asked.size === urls.length, { what: 'all have been asked', timeoutMs: ASKED_TIMEOUT_MS });
  for (let look = 0; look < 4; look++) {
    await sleep(LOOK_EVERY_MS);
    await expectAlive(downloader, 'all UDP trackers');
  }
  for (const [name, count] of asked) expect([name, count <= 3]).toEqual([name, true]);
});

it('no message of a WebSocket tracker ends, hangs or fills the process', async () => {
  await using stack = new AsyncDisposableStack();
  const said = new Set<string>();
  const urls: string[] = [];
  const cases = Object.entries(websocketMessages(HASH));
  for (const [name, frames] of cases) {
    const server = await startWebSocketServer('127.0.0.1', (socket) => {
      for (const each of frames) socket.write(each);
      said.add(name);
    });
    urls.push(stack.use(server).url);
  }
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({ infoHash: HASH, workDir: work.path, trackers: urls, nodeArgs: HEAP_ARGS });
  await waitFor(() => said.size === cases.length, { what: 'all have spoken', timeoutMs: ASKED_TIMEOUT_MS });
  for (let look = 0; look < 4; look++) {
    await sleep(LOOK_EVERY_MS);
    await expectAlive(downloader, 'all WebSocket trackers');
  }
  expect(peakMemoryBytes(downloader.pid)).toBeLessThan(RSS_MAX_BYTES);
});

/** Peers that are taken of one answer. */
const PEERS_MAX = 200;

type PeerList = (peers: { ip: string; port: number }[]) => Buffer;
const compact = (ip: string, port: number) => {
  const address = ip.includes(':')
    ? Buffer.from(ip.startsWith('fd') ? 'fd'.padEnd(32, '0') : '1'.padStart(32, '0'), 'hex')
    : Buffer.from(ip.split('.').map(Number));
  return Buffer.concat([address, Buffer.from([port >> 8, port & 255])]);
};
const compactList =
  (key: string): PeerList =>
  (peers) => {
    const bytes = Buffer.concat(peers.map(({ ip, port }) => compact(ip, port)));
    return Buffer.concat([Buffer.from(`d8:intervali60e${key.length}:${key}${bytes.length}:`), bytes, Buffer.from('e')]);
  };
const longList =
  (key: string): PeerList =>
  (peers) =>
    Buffer.from(
      `d8:intervali60e${key.length}:${key}l${peers.map(({ ip, port }) => `d2:ip${ip.length}:${ip}4:porti${port}ee`).join('')}ee`,
    );

const LISTS: [string, 'IPv4' | 'IPv6', PeerList][] = [
  ['short', 'IPv4', compactList('peers')],
  ['long', 'IPv4', longList('peers')],
  ['short', 'IPv6', compactList('peers6')],
  ['long', 'IPv6', longList('peers6')],
];

/** Two listeners, and a list in which one is the last peer that is taken and the other the first that is not. */
async function startListWithEnd(family: 'IPv4' | 'IPv6', takenCount: number) {
  const stack = new AsyncDisposableStack();
  const address = family === 'IPv6' ? '::1' : '127.0.0.1';
  const hits = { taken: 0, beyond: 0 };
  const ports: number[] = [];
  for (const name of ['taken', 'beyond'] as const) {
    const server = createTcpServer((socket) => {
      hits[name] += 1;
      socket.destroy();
    });
    server.listen(0, address);
    await once(server, 'listening');
    stack.defer(() => void server.close());
    ports.push((server.address() as { port: number }).port);
  }
  // Nobody may be dialled there, so they cost no time.
  const far = family === 'IPv6' ? 'fd00::' : '10.0.0.1';
  const peers = [
    ...Array.from({ length: takenCount - 1 }, (_, index) => ({ ip: far, port: 1000 + index })),
    ...ports.map((port) => ({ ip: address, port })),
  ];
  return { hits, peers, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}

it.each(LISTS)('of a %s list of %s peers the first 200 are taken', async (_form, family, build) => {
  await using list = await startListWithEnd(family, PEERS_MAX);
  await using trackers = await startTrackers(['list'], (_name, response) => void response.end(build(list.peers)));
  await using work = await makeTempDir('work');
  await using _downloader = await startDownloader({
    infoHash: HASH,
    workDir: work.path,
    trackers: trackers.urls,
    allowedPrivateNetworks: ['127.0.0.0/8', '::1/128'],
  });
  await waitFor(() => list.hits.taken > 0, { what: 'the last of them is dialled', timeoutMs: ASKED_TIMEOUT_MS });
  await sleep(LOOK_EVERY_MS);
  expect(list.hits.beyond).toBe(0);
});

it('of the peers of a UDP tracker the first 200 are taken, and its interval is not believed', async () => {
  await using list = await startListWithEnd('IPv4', PEERS_MAX);
  const announced: number[] = [];
  const socket = createSocket('udp4');
  await using _close = { [Symbol.asyncDispose]: async () => void socket.close() };
  socket.on('message', (packet, from) => {
    const action = packet.readUInt32BE(8);
    const transaction = packet.subarray(12, 16);
    if (action === 1) announced.push(performance.now());
    const head = Buffer.concat([packet.subarray(8, 12), transaction]);
    // 2^32-1 seconds are beyond every timer, which then fires at once.
    const body =
      action === 0
        ? Buffer.alloc(8, 9)
        : Buffer.concat([Buffer.alloc(4, 0xff), Buffer.alloc(8), ...list.peers.map(({ ip, port }) => compact(ip, port))]);
    socket.send(Buffer.concat([head, body]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  await using work = await makeTempDir('work');
  const trackers = [`udp://127.0.0.1:${socket.address().port}/announce`];
  await using _downloader = await startDownloader({ infoHash: HASH, workDir: work.path, trackers });
  await waitFor(() => list.hits.taken > 0, { what: 'the last of them is dialled', timeoutMs: ASKED_TIMEOUT_MS });
  await sleep(LOOK_EVERY_MS);
  expect(list.hits.beyond).toBe(0);
  expect(announced.length).toBeLessThanOrEqual(2);
});
