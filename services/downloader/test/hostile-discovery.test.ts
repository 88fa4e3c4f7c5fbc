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
