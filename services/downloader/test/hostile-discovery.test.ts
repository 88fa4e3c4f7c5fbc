import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTempDir, startLibtorrentSeeder, waitFor } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { makeRandomFilm } from './random-film.ts';
import { startDownloader } from './start-downloader.ts';

const HASH = 'ef'.repeat(20);

async function listen(server: Server, address: string): Promise<AsyncDisposable & { url: string; port: number }> {
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const dispose = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://${address}:${port}/announce`, port, [Symbol.asyncDispose]: dispose };
}

const ANSWERS: Record<string, (response: ServerResponse) => void> = {
  'a body that breaks off': (response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('d8:interval', () => response.destroy());
  },
  'a negative length': (response) => response.end('l-3:e'),
  'a dictionary with a negative length': (response) => response.end('d-3:e'),
  'a failure reason that is a number': (response) => response.end('d14:failure reasoni7ee'),
  'an interval of -1': (response) => response.end('d8:intervali-1e5:peers0:e'),
  'an interval of 1': (response) => response.end('d8:intervali1e5:peers0:e'),
  'a list instead of a dictionary': (response) => response.end('le'),
  'peers of 7 bytes': (response) => response.end('d8:intervali60e5:peers7:1234567e'),
  'peers that are numbers': (response) => response.end('d8:intervali60e5:peersli1ei2eee'),
  'a redirect to itself': (response) => response.writeHead(302, { location: '/announce' }).end(),
  'nothing after the headers': (response) => response.writeHead(200, { 'content-length': 10 }).flushHeaders(),
  'an endless body': (response) => {
    const chunk = Buffer.alloc(256 * 1024, 0x61);
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  },
};

it('no answer of a tracker ends the process, fills it, or makes it ask again at once', async () => {
  await using stack = new AsyncDisposableStack();
  const asked = new Map<string, number>();
  const trackers: string[] = [];
  for (const [name, answer] of Object.entries(ANSWERS)) {
    const server = createServer((_request, response) => {
      asked.set(name, (asked.get(name) ?? 0) + 1);
      answer(response);
    });
    trackers.push(stack.use(await listen(server, '127.0.0.1')).url);
  }
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({
    infoHash: HASH,
    workDir: work.path,
    trackers,
    nodeArgs: ['--max-old-space-size=128'],
  });
  await waitFor(() => asked.size === trackers.length, { what: 'all have been asked', timeoutMs: 15_000 });
  for (let look = 0; look < 8; look++) {
    await sleep(500);
    expect((await downloader.fetch('/status', { signal: AbortSignal.timeout(3000) })).status).toBe(200);
  }
  for (const [name, count] of asked) expect([name, count <= (name.startsWith('a redirect') ? 25 : 2)]).toEqual([name, true]);
});

it.each([
  ['127.0.0.1/32', 'is never connected to'],
  // The control: the same set-up reaches it when it may.
  ['127.0.0.0/8', 'is connected to'],
])('with %s allowed, 127.8.8.8 in a magnet, a tracker list, a redirect or a list of peers %s', async (allowed, outcome) => {
  await using stack = new AsyncDisposableStack();
  let hits = 0;
  const canary = createTcpServer((socket) => {
    hits += 1;
    socket.destroy();
  });
  canary.listen(0, '127.8.8.8');
  await once(canary, 'listening');
  stack.defer(() => void canary.close());
  const { port } = canary.address() as { port: number };
  const udpCanary = createSocket('udp4');
  udpCanary.on('message', () => {
    hits += 1;
  });
  udpCanary.bind(port, '127.8.8.8');
  await once(udpCanary, 'listening');
  stack.defer(() => void udpCanary.close());

  const compact = Buffer.from([127, 8, 8, 8, port >> 8, port & 0xff]);
  const body = Buffer.concat([Buffer.from('d8:intervali60e5:peers6:'), compact, Buffer.from('e')]);
  let isAsked = false;
  const withPeer = stack.use(
    await listen(
      createServer((_, response) => void response.end(body)),
      '127.0.0.1',
    ),
  );
  const redirecting = createServer((_request, response) => {
    isAsked = true;
    response.writeHead(302, { location: `http://127.8.8.8:${port}/announce` }).end();
  });
  const redirect = stack.use(await listen(redirecting, '127.0.0.1'));

  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({
    infoHash: HASH,
    workDir: work.path,
    peers: [`127.8.8.8:${port}`, `[::ffff:127.8.8.8]:${port}`],
    trackers: [
      `http://127.8.8.8:${port}/announce`,
      `udp://127.8.8.8:${port}/announce`,
      `ws://127.8.8.8:${port}/announce`,
      redirect.url,
      withPeer.url,
    ],
    allowedPrivateNetworks: [allowed],
  });
  await waitFor(() => isAsked, { what: 'the allowed tracker is asked', timeoutMs: 10_000 });
  await sleep(1500);
  expect((await downloader.status()).state).toBe('resolving');
  if (outcome === 'is never connected to') expect(hits).toBe(0);
  else expect(hits).toBeGreaterThanOrEqual(3);
});

it('without an allowed network loopback is nowhere, and with one the swarm is found', async () => {
  await using film = await makeRandomFilm(1, 64 * 1024);
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.8.1' });
  const peers = [`${seeder.address}:${seeder.port}`];
  await using work = await makeTempDir('work');
  await using none = await startDownloader({
    infoHash: film.torrent.infoHash,
    workDir: work.path,
    peers,
    allowedPrivateNetworks: [],
  });
  await using other = await makeTempDir('work');
  await using some = await startDownloader({ infoHash: film.torrent.infoHash, workDir: other.path, peers });
  expect((await some.read(0, 0, 1000)).equals(film.bytes.subarray(0, 1000))).toBe(true);
  expect((await none.status()).swarm.peers).toBe(0);
});

it('no packet to the DHT port ends or hangs the process', async () => {
  await using work = await makeTempDir('work');
  const bootstrap = createSocket('udp4');
  const nodePort = new Promise<number>((resolve) => bootstrap.once('message', (_packet, from) => resolve(from.port)));
  bootstrap.bind(0, '127.0.0.1');
  await once(bootstrap, 'listening');
  await using _close = { [Symbol.asyncDispose]: async () => void bootstrap.close() };
  const dhtBootstrap = [`127.0.0.1:${bootstrap.address().port}`];
  await using downloader = await startDownloader({
    infoHash: HASH,
    workDir: work.path,
    dhtBootstrap,
    nodeArgs: ['--max-old-space-size=150'],
  });
  const port = await nodePort;
  const id = 'i'.repeat(20);
  const packets = [
    'l-3:e',
    'd-3:i1ee',
    `${'l'.repeat(1400)}`,
    '\u0000\u00ff'.repeat(50),
    '',
    `d1:ad2:id20:${id}6:target20:${id}e1:q9:find_node1:t2:aa1:y1:qe`,
    'd1:q9:find_node1:t2:aa1:y1:qe',
    'd1:ai1e1:q9:get_peers1:t2:aa1:y1:qe',
    'd1:t2:aa1:y1:re',
    `d1:ad2:id20:${id}9:info_hashi1ee1:q13:announce_peer1:t2:aa1:y1:qe`,
  ];
  for (const packet of packets) {
    bootstrap.send(Buffer.from(packet, 'latin1'), port, '127.0.0.1');
    await sleep(100);
    expect((await downloader.fetch('/status', { signal: AbortSignal.timeout(3000) })).status).toBe(200);
  }
});
