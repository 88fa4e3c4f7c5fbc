import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import {
  launchBrowser,
  makeTempDir,
  NAMESPACE_ADDRESS,
  pickFreePort,
  startLibtorrentPeer,
  startLibtorrentSeeder,
  startTracker,
  waitFor,
} from '@lodestream/testing';
import { RTCPeerConnection } from 'webrtc-polyfill';
import { makeRandomFilm, type RandomFilm } from '../random-film.ts';
import { type RunningDownloader, startDownloader } from '../start-downloader.ts';

/**
 * Run in a network namespace (WebRTC finds no candidates on loopback): a browser with webtorrent's own bundle, a WebSocket
 * tracker, and the downloader. `seeds`: the browser alone has the film. `leeches`: it gets it from us alone, while a TCP
 * client does too.
 */
export type BrowserSwarmInput = { role: 'seeds' | 'leeches'; uploadBytesPerSecond: number };
export type BrowserSwarmOutput = {
  isRight: boolean;
  metadataMs: number;
  /** Our WebRTC tells the end of its ICE candidates; who waits for it would else wait for a timeout of 5 s. */
  hasEndOfCandidates: boolean;
  /** Bytes that both got of us, in the time from the first to the last of them. */
  uploadedBytes: number;
  uploadMs: number;
  exitCode: number | null;
};

const NETWORKS = ['127.0.0.0/8', `${NAMESPACE_ADDRESS}/24`];
const BUNDLE = fileURLToPath(import.meta.resolve('webtorrent/dist/webtorrent.min.js'));
const PAGE = '<!doctype html><title>peer</title><body></body>';

async function servePage(film: RandomFilm): Promise<AsyncDisposable & { url: string }> {
  const bodies: Record<string, [string, Buffer]> = {
    '/': ['text/html', Buffer.from(PAGE)],
    '/webtorrent.js': ['text/javascript', await readFile(BUNDLE)],
    '/film': ['application/octet-stream', film.bytes],
    '/torrent': ['application/octet-stream', film.torrent.metainfo],
  };
  const server = createServer((request, response) => {
    const [type, body] = bodies[request.url ?? ''] ?? ['text/plain', Buffer.alloc(0)];
    response.writeHead(200, { 'content-type': type }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** In the page: seeds the film, or fetches it and gives its hash. */
const SCRIPT = `async ({ role, announce, name, pieceLength }) => {
  const { default: WebTorrent } = await import('/webtorrent.js');
  const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } });
  const bytesOf = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
  if (role === 'seeds') {
    const file = new File([await bytesOf('/film')], name);
    return new Promise((resolve, reject) => {
      client.on('error', reject);
      client.seed(file, { name, pieceLength, announce: [announce] }, (torrent) => resolve(torrent.infoHash));
    });
  }
  const torrent = client.add(await bytesOf('/torrent'), { announce: [announce] });
  await new Promise((resolve, reject) => {
    torrent.on('done', resolve);
    torrent.on('error', reject);
  });
  const digest = await crypto.subtle.digest('SHA-256', await (await torrent.files[0].blob()).arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}`;

async function main(input: BrowserSwarmInput): Promise<BrowserSwarmOutput> {
  await using stack = new AsyncDisposableStack();
  const film = stack.use(await makeRandomFilm(4, 64 * 1024));
  const tracker = stack.use(await startTracker('ws'));
  const page = stack.use(await servePage(film));
  const browser = stack.use(await launchBrowser());
  const { page: tab } = await browser.openPage();
  await tab.goto(page.url);
  const run = () => {
    const { name, pieceLengthBytes: pieceLength } = film.torrent;
    return tab.evaluate(`(${SCRIPT})(${JSON.stringify({ role: input.role, announce: tracker.announceUrl, name, pieceLength })})`);
  };
  const work = stack.use(await makeTempDir('work'));
  const common = {
    infoHash: film.torrent.infoHash,
    workDir: work.path,
    trackers: [tracker.announceUrl],
    allowedPrivateNetworks: NETWORKS,
    uploadBytesPerSecond: input.uploadBytesPerSecond,
  };

  if (input.role === 'seeds') {
    const infoHash = await run();
    if (infoHash !== film.torrent.infoHash) throw new Error(`the browser made another torrent: ${String(infoHash)}`);
    await tracker.waitForSeeders(film.torrent.infoHash);
    const startedAt = performance.now();
    const downloader = stack.use(await startDownloader(common));
    await waitFor(async () => (await downloader.status()).state === 'ready', { what: 'metadata', timeoutMs: 30_000 });
    const metadataMs = performance.now() - startedAt;
    const isRight = (await readWhole(downloader)).equals(film.bytes);
    const hasEndOfCandidates = await seesEndOfCandidates();
    const exitCode = await leave(downloader, tracker, film);
    return { isRight, metadataMs, hasEndOfCandidates, uploadedBytes: 0, uploadMs: 0, exitCode };
  }

  const seeder = stack.use(await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.51.1' }));
  // Picked late: the browser takes ports too.
  const port = await pickFreePort('0.0.0.0');
  const peerPorts: [number, number] = [port, port];
  const downloader = stack.use(await startDownloader({ ...common, peerPorts, peers: [`${seeder.address}:${seeder.port}`] }));
  const isRight = (await readWhole(downloader)).equals(film.bytes);
  const empty = stack.use(await makeTempDir('empty'));
  const startedAt = performance.now();
  const leecher = stack.use(
    await startLibtorrentPeer({
      torrent: film.torrent,
      dir: empty.path,
      address: '127.9.51.2',
      peers: [{ address: '127.0.0.1', port }],
    }),
  );
  const [hash] = await Promise.all([
    run(),
    waitFor(async () => (await leecher.status()).isSeeding, { what: 'the TCP leecher is done', timeoutMs: 60_000 }),
  ]);
  const uploadMs = performance.now() - startedAt;
  const expected = createHash('sha256').update(film.bytes).digest('hex');
  return {
    isRight: isRight && hash === expected,
    metadataMs: 0,
    hasEndOfCandidates: true,
    uploadedBytes: 2 * film.bytes.length,
    uploadMs,
    exitCode: await leave(downloader, tracker, film),
  };
}

async function seesEndOfCandidates(): Promise<boolean> {
  const connection = new RTCPeerConnection({ iceServers: [] });
  connection.createDataChannel('x');
  const ended = new Promise<boolean>((resolve) => {
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) resolve(true);
    };
  });
  await connection.createOffer();
  try {
    return await Promise.race([ended, new Promise<boolean>((resolve) => setTimeout(resolve, 5000, false).unref())]);
  } finally {
    connection.close();
  }
}

async function readWhole(downloader: RunningDownloader): Promise<Buffer> {
  const response = await downloader.fetch('/files/0', { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}\n${downloader.stderr()}`);
  return Buffer.from(await response.arrayBuffer());
}

/** Asks it to go, and waits until the tracker has heard of it. */
async function leave(
  downloader: RunningDownloader,
  tracker: { peerCount(infoHash: string): number },
  film: RandomFilm,
): Promise<number | null> {
  const { infoHash } = film.torrent;
  const before = tracker.peerCount(infoHash);
  process.kill(downloader.pid, 'SIGTERM');
  const exitCode = await downloader.exited;
  await waitFor(() => tracker.peerCount(infoHash) < before, { what: 'the tracker knows that it left', timeoutMs: 5000 });
  return exitCode;
}

console.log(JSON.stringify(await main(JSON.parse(process.argv[2] ?? '{}') as BrowserSwarmInput)));
process.exit(0);
