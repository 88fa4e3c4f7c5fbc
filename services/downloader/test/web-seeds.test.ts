import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTorrent, makeTempDir, startLibtorrentPeer, startLibtorrentSeeder, startNginx, waitFor } from '@lodestream/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, makeRandomFilm, type RandomFilm } from './random-film.ts';
import { type RunningDownloader, startDownloader } from './start-downloader.ts';

let film: RandomFilm;
beforeAll(async () => {
  film = await makeRandomFilm(8, 256 * 1024);
});
afterAll(() => film[Symbol.asyncDispose]());

const withWebSeeds = (webSeeds: string[]) =>
  createTorrent({ dir: film.dir, name: film.torrent.name, pieceLengthBytes: 256 * 1024, webSeeds });

async function readWhole(downloader: RunningDownloader): Promise<Buffer> {
  return Buffer.from(await (await downloader.fetch('/files/0', { signal: AbortSignal.timeout(40_000) })).arrayBuffer());
}

describe('from an nginx alone', () => {
  it('a film is read whole and by far ranges, and counts as found', async () => {
    await using nginx = await startNginx({ dir: film.dir, address: '127.9.41.1' });
    const torrent = await withWebSeeds([`${nginx.baseUrl}/`]);
    await using work = await makeTempDir('work');
    await using downloader = await startDownloader({
      infoHash: torrent.infoHash,
      metainfo: torrent.metainfo,
      workDir: work.path,
    });
    const random = createRandom(7);
    for (let count = 0; count < 20; count++) {
      const start = Math.floor(random() * (film.bytes.length - 1));
      const end = Math.min(film.bytes.length, start + 1 + Math.floor(random() * 300_000));
      expect((await downloader.read(0, start, end)).equals(film.bytes.subarray(start, end))).toBe(true);
    }
    expect((await readWhole(downloader)).equals(film.bytes)).toBe(true);
    const status = await downloader.status();
    expect(status).toMatchObject({ secondsWithoutPeers: 0, isIncompleteSwarm: false });
    expect(status.swarm).toMatchObject({ peers: 1, seeders: 1 });
    expect(status.swarm.downloadBytesPerSecond).toBeGreaterThan(0);
  });

  it('the files of a folder, whatever they are called', async () => {
    await using home = await makeTempDir('pack');
    const names = ['c#d?.mp4', 'a b+c%20.mkv', 'sub/ünï 映画.srt', 'empty.txt', 'quote\'&"=.avi'];
    const contents = names.map((name, index) =>
      film.bytes.subarray(index * 700_001, name === 'empty.txt' ? 0 : index * 900_007 + 5000),
    );
    await mkdir(join(home.path, 'Pack [x]', 'sub'), { recursive: true });
    for (const [index, name] of names.entries()) await writeFile(join(home.path, 'Pack [x]', name), contents[index] as Buffer);
    await using nginx = await startNginx({ dir: home.path, address: '127.9.41.2' });
    const torrent = await createTorrent({
      dir: home.path,
      name: 'Pack [x]',
      pieceLengthBytes: 64 * 1024,
      webSeeds: [nginx.baseUrl],
    });
    await using work = await makeTempDir('work');
    await using downloader = await startDownloader({
      infoHash: torrent.infoHash,
      metainfo: torrent.metainfo,
      workDir: work.path,
    });
    for (const [index, file] of torrent.files.entries()) {
      if (file.lengthBytes === 0) continue;
      const bytes = await downloader.read(index, 0, file.lengthBytes);
      expect([file.path, bytes.equals(contents[names.indexOf(file.path)] as Buffer)]).toEqual([file.path, true]);
    }
  });

  it('the web seed of a magnet, whose metadata a peer without a single piece has', async () => {
    await using nginx = await startNginx({ dir: film.dir, address: '127.9.41.3' });
    await using empty = await makeTempDir('empty');
    await using peer = await startLibtorrentPeer({
      torrent: film.torrent,
      dir: empty.path,
      address: '127.9.41.4',
      uploadOnly: true,
    });
    await using work = await makeTempDir('work');
    await using downloader = await startDownloader({
      infoHash: film.torrent.infoHash,
      peers: [`${peer.address}:${peer.port}`],
      webSeeds: [`${nginx.baseUrl}/${film.torrent.name}`],
      workDir: work.path,
    });
    expect((await readWhole(downloader)).equals(film.bytes)).toBe(true);
  });
});

type BadServer = AsyncDisposable & { url: string; requests(): number };

async function startServer(address: string, listener: RequestListener): Promise<BadServer> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    listener(request, response);
  });
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://${address}:${port}/film.mkv`,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const rangeOf = (header = '') => {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? [];
  return { start: Number(first), end: Number(last) + 1 };
};

/** Every range, exact by its headers, of other bytes. */
const lie: RequestListener = (request, response) => {
  const { start, end } = rangeOf(request.headers.range);
  response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${film.bytes.length}`, 'content-length': end - start });
  response.end(Buffer.alloc(end - start, 7));
};

it('a web seed that lies is dropped like a peer that lies: soon, for good, and without a wrong byte', async () => {
  await using liar = await startServer('127.9.42.1', lie);
  await using seeder = await startLibtorrentSeeder({
    torrent: film.torrent,
    dir: film.dir,
    address: '127.9.42.2',
    uploadBytesPerSecond: 4 << 20,
  });
  const torrent = await withWebSeeds([liar.url]);
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({
    infoHash: torrent.infoHash,
    metainfo: torrent.metainfo,
    peers: [`${seeder.address}:${seeder.port}`],
    workDir: work.path,
  });
  expect((await readWhole(downloader)).equals(film.bytes)).toBe(true);
  expect(downloader.stderr()).toContain('peer banned');
  expect(downloader.stderr().split('bad piece').length - 1).toBeLessThanOrEqual(4);
  const requests = liar.requests();
  await sleep(1500);
  expect(liar.requests()).toBe(requests);
  expect((await downloader.status()).swarm.peers).toBe(1);
});

it('whatever else a web server answers costs a few requests, and the film comes from elsewhere', async () => {
  await using stack = new AsyncDisposableStack();
  const canary = createTcpServer((socket) => socket.destroy());
  let canaryHits = 0;
  canary.on('connection', () => {
    canaryHits += 1;
  });
  canary.listen(0, '127.200.0.1');
  await once(canary, 'listening');
  stack.defer(() => void canary.close());
  const { port } = canary.address() as { port: number };

  const answers: Record<string, RequestListener> = {
    'nothing there': (_request, response) => response.writeHead(404).end('no'),
    'the whole file, whatever was asked': (_request, response) => response.writeHead(200).end(film.bytes),
    'a short body': (request, response) => {
      const { start, end } = rangeOf(request.headers.range);
      response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${film.bytes.length}` });
      response.end(film.bytes.subarray(start, end - 1000));
    },
    'a longer body': (request, response) => {
      const { start, end } = rangeOf(request.headers.range);
      response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${film.bytes.length}` });
      response.end(Buffer.concat([film.bytes.subarray(start, end), Buffer.alloc(100_000)]));
    },
    'a redirect to itself': (request, response) => response.writeHead(302, { location: request.url }).end(),
    'a redirect into a network that is not allowed': (_request, response) =>
      response.writeHead(302, { location: `http://127.200.0.1:${port}/film.mkv` }).end(),
    'a redirect to a file': (_request, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    'nothing at all': (request) => request.socket.destroy(),
  };
  const servers: [string, BadServer][] = [];
  for (const [index, [name, answer]] of Object.entries(answers).entries())
    servers.push([name, stack.use(await startServer(`127.9.43.${index + 1}`, answer))]);
  const torrent = await withWebSeeds(servers.map(([, server]) => server.url));
  await using seeder = await startLibtorrentSeeder({
    torrent,
    dir: film.dir,
    address: '127.9.43.99',
    uploadBytesPerSecond: 2 << 20,
  });
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({
    infoHash: torrent.infoHash,
    metainfo: torrent.metainfo,
    peers: [`${seeder.address}:${seeder.port}`],
    allowedPrivateNetworks: ['127.9.0.0/16'],
    workDir: work.path,
  });
  expect((await readWhole(downloader)).equals(film.bytes)).toBe(true);
  // Requests of a round end with the first that fails, and rounds are 1, 2, 4 s apart; each redirect is a request.
  const roundRequests = 4;
  for (const [name, server] of servers) {
    expect([name, server.requests() > 0]).toEqual([name, true]);
    const limit = 4 * roundRequests * (name === 'a redirect to itself' ? 6 : 1);
    expect([name, server.requests() <= limit]).toEqual([name, true]);
  }
  expect(canaryHits).toBe(0);
  expect(downloader.stderr()).not.toContain('peer banned');
});

it('a web seed that comes back is used again', async () => {
  await using nginx = await startNginx({ dir: film.dir, address: '127.9.44.1' });
  let isUp = false;
  await using gate = await startServer('127.9.44.2', (_request, response) =>
    isUp ? response.writeHead(307, { location: `${nginx.baseUrl}/film.mkv` }).end() : response.writeHead(503).end(),
  );
  const torrent = await withWebSeeds([gate.url]);
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({ infoHash: torrent.infoHash, metainfo: torrent.metainfo, workDir: work.path });
  const reading = readWhole(downloader);
  await waitFor(() => gate.requests() > 0, { what: 'it is asked', timeoutMs: 10_000 });
  isUp = true;
  expect((await reading).equals(film.bytes)).toBe(true);
});
