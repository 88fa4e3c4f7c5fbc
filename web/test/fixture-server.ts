import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { buildProblem, type InfoHash, type ProblemCode, parseInfoHash, type Torrent, type TorrentFile } from '@lodestream/shared';
import type { FixtureMedia } from './fixture-media.ts';

/**
 * The public API as the web app meets it, over a film that is already made: what a test wants to see go wrong is set on
 * `world`, and every request is noted. The built app is served with the headers of the real one.
 */
export interface FixtureWorld {
  torrents: Map<InfoHash, Torrent>;
  /** What a POST opens, by info hash; anything else is a torrent that stays without peers. */
  known: Map<InfoHash, Torrent>;
  /** Pause before each part of a segment; 0 sends it whole. */
  partDelayMs: number;
  /** Parts that a segment's body has before its connection breaks; null: all. */
  breakAfterParts: number | null;
  /** Answers of the media paths in place of the film. */
  mediaProblem: ProblemCode | null;
  /** True: every connection is dropped without an answer. */
  isDown: boolean;
  /** Event streams that are open now. */
  openEventStreams: number;
  /** Method and path; with the content type where there is a body. */
  requests: string[];
}

export interface FixtureServer extends AsyncDisposable {
  url: string;
  world: FixtureWorld;
}

const CSP = [
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'",
  "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'",
  "frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'",
].join('; ');
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};
const EVENT_INTERVAL_MS = 500;

export async function startFixtureServer(media: FixtureMedia, distFolder: string, port = 0): Promise<FixtureServer> {
  const world: FixtureWorld = {
    torrents: new Map(),
    known: new Map(),
    partDelayMs: 0,
    breakAfterParts: null,
    mediaProblem: null,
    isDown: false,
    openEventStreams: 0,
    requests: [],
  };
  const server = createServer((request, response) => {
    if (world.isDown) {
      request.socket.destroy();
      return;
    }
    answer({ world, media, distFolder }, request, response).catch((error: unknown) => {
      process.emitWarning(error instanceof Error ? error : String(error));
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    world,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function fixtureTorrent(infoHash: string, files: TorrentFile[], change: Partial<Torrent> = {}): Torrent {
  return {
    infoHash: parseInfoHash(infoHash) as InfoHash,
    name: 'Fixture',
    status: 'ready',
    lengthBytes: files.reduce((sum, file) => sum + file.lengthBytes, 0),
    files,
    swarm: { peers: 4, seeders: 2, downloadBytesPerSecond: 1_250_000, uploadBytesPerSecond: 0, havePieces: 12, pieceCount: 400 },
    stage: 'encoding',
    hints: [],
    ...change,
  };
}

interface Fixture {
  world: FixtureWorld;
  media: FixtureMedia;
  distFolder: string;
}

async function answer({ world, media, distFolder }: Fixture, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://fixture');
  if (!url.pathname.startsWith('/api/')) return sendApp(distFolder, url.pathname, response);
  world.requests.push([request.method, url.pathname, request.headers['content-type']].filter(Boolean).join(' '));
  if (request.method === 'POST') return openTorrent(world, request, response);

  const [, hash = '', rest = ''] = /^\/api\/v1\/torrents\/([0-9a-f]{40})(.*)$/.exec(url.pathname) ?? [];
  const torrent = world.torrents.get(hash as InfoHash);
  if (!torrent) return sendProblem(response, 'torrent-unknown');
  if (rest === '') return sendJson(response, 200, torrent);
  if (rest === '/events') return sendEvents(world, torrent.infoHash, response);
  if (rest.endsWith('/content')) {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="film.mkv"',
    });
    response.end('the bytes of the film');
    return;
  }
  if (world.mediaProblem) return sendProblem(response, world.mediaProblem);
  if (rest.endsWith('/media')) return sendJson(response, 200, mediaInfo());
  return sendHls(world, media, rest, response);
}

async function openTorrent(world: FixtureWorld, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request.setEncoding('latin1')) body += chunk;
  if (request.headers['content-type'] === 'application/x-bittorrent') {
    const uploaded = [...world.known.values()][0];
    if (!body.startsWith('d') || !uploaded) return sendProblem(response, 'invalid-torrent');
    world.torrents.set(uploaded.infoHash, uploaded);
    return sendJson(response, 201, uploaded);
  }
  const { magnet, infoHash } = JSON.parse(body) as { magnet?: string; infoHash?: string };
  const hash = parseInfoHash(infoHash ?? /btih:([0-9a-zA-Z]+)/.exec(magnet ?? '')?.[1] ?? '');
  if (!hash) return sendProblem(response, 'invalid-magnet');
  const torrent =
    world.known.get(hash) ??
    fixtureTorrent(hash, [], { name: '', status: 'resolving', stage: 'finding-peers', hints: ['no-peers'] });
  world.torrents.set(hash, torrent);
  return sendJson(response, 201, torrent);
}

async function sendEvents(world: FixtureWorld, infoHash: InfoHash, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  world.openEventStreams += 1;
  response.on('close', () => {
    world.openEventStreams -= 1;
  });
  while (!response.destroyed) {
    const torrent = world.torrents.get(infoHash);
    if (!torrent) break;
    const { files: _files, ...event } = torrent;
    response.write(`event: state\ndata: ${JSON.stringify(event)}\n\n`);
    await wait(EVENT_INTERVAL_MS);
  }
  response.end();
}

async function sendHls(world: FixtureWorld, media: FixtureMedia, path: string, response: ServerResponse): Promise<void> {
  const [, renditionId, name = ''] = /^\/files\/\d+\/hls\/(?:([^/]+)\/)?([^/]+)$/.exec(path) ?? [];
  if (renditionId === undefined) return sendText(response, 'application/vnd.apple.mpegurl', media.multivariantPlaylist);
  const rendition = media.renditions.get(renditionId);
  if (!rendition) return sendProblem(response, 'rendition-unknown');
  if (name === 'index.m3u8') return sendText(response, 'application/vnd.apple.mpegurl', rendition.playlist);
  if (name === 'init.mp4') return sendText(response, 'video/mp4', rendition.init);
  const parts = rendition.segments[Number.parseInt(name, 10)];
  if (!parts) return sendProblem(response, 'segment-unknown');
  response.writeHead(200, { 'content-type': 'video/mp4' });
  for (const [index, part] of parts.entries()) {
    if (index === world.breakAfterParts || world.isDown) {
      response.destroy();
      return;
    }
    if (world.partDelayMs > 0) await wait(world.partDelayMs);
    if (response.destroyed) return;
    response.write(part);
  }
  response.end();
}

async function sendApp(distFolder: string, path: string, response: ServerResponse): Promise<void> {
  const file = join(distFolder, extname(path) ? normalize(path) : 'index.html');
  try {
    const body = await readFile(file);
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': CSP,
    });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

function sendText(response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, { 'content-type': type });
  response.end(body);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function sendProblem(response: ServerResponse, code: ProblemCode): void {
  const problem = buildProblem(code, code === 'not-playable' ? { reason: 'codec-not-allowed' } : {});
  response.writeHead(problem.status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify(problem));
}

function mediaInfo() {
  return {
    durationSeconds: 120,
    container: 'matroska',
    isIndexed: true,
    video: [],
    audio: [],
    subtitles: [],
    chapters: [],
    renditions: [],
  };
}
