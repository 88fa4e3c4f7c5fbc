/// <reference lib="dom" />
import { createReadStream } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join, normalize } from 'node:path';
import { makeTempDir, type TestBrowser } from '@lodestream/testing';

const HLS_PATH = join(dirname(createRequire(import.meta.url).resolve('hls.js')), 'hls.mjs');
const PAGE =
  '<!doctype html><video muted playsinline width="1280" height="720"></video><script type="module" src="/page.mjs"></script>';
const SCRIPT = `
import Hls from '/hls.mjs';
const video = document.querySelector('video');
const shown = (after) => new Promise((resolve) => {
  const onFrame = (now, { mediaTime }) => mediaTime >= after - 0.05 && mediaTime < after + 5 ? resolve(now) : video.requestVideoFrameCallback(onFrame);
  video.requestVideoFrameCallback(onFrame);
});
window.start = async () => {
  const startedAt = performance.now();
  const hls = new Hls({ progressive: true, enableWorker: false, startPosition: 0, maxBufferLength: 5, maxMaxBufferLength: 5 });
  hls.attachMedia(video);
  hls.loadSource('/film/index.m3u8');
  void video.play();
  return (await shown(0)) - startedAt;
};
window.seek = async (seconds) => {
  const startedAt = performance.now();
  video.currentTime = seconds;
  return (await shown(seconds)) - startedAt;
};
`;
const TYPES: Record<string, string> = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mp4': 'video/mp4',
  '.m4s': 'video/mp4',
  '.mjs': 'text/javascript',
};

declare global {
  interface Window {
    start(): Promise<number>;
    seek(seconds: number): Promise<number>;
  }
}

/** A film whose segments are ready, and the barest page that plays it: what Chromium itself takes. */
export type ReadyFilm = AsyncDisposable & {
  /** From the load of the playlist to the first frame, then one seek after the other; in ms. */
  show(browser: TestBrowser, seekSeconds: readonly number[]): Promise<{ firstFrameMs: number; seekMs: number[] }>;
};

/** Takes these segments of these renditions from a gateway, once, and serves them from the disk. */
export async function saveReadyFilm(
  playlistUrl: string,
  segments: readonly { renditionId: string; segmentIndexes: readonly number[] }[],
): Promise<ReadyFilm> {
  const dir = await makeTempDir('ready');
  const save = async (path: string) => {
    const url = new URL(path, playlistUrl);
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status} ${url}`);
    await mkdir(dirname(join(dir.path, path)), { recursive: true });
    await writeFile(join(dir.path, path), new Uint8Array(await response.arrayBuffer()));
  };
  await save('index.m3u8');
  for (const { renditionId, segmentIndexes } of segments) {
    await save(`${renditionId}/index.m3u8`);
    await save(`${renditionId}/init.mp4`);
    for (const index of segmentIndexes) await save(`${renditionId}/${index}.m4s`);
  }
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const send = (type: string, text: string) => void response.writeHead(200, { 'content-type': type }).end(text);
    if (path === '/') return send('text/html', PAGE);
    if (path === '/page.mjs') return send('text/javascript', SCRIPT);
    const file = path === '/hls.mjs' ? HLS_PATH : path.startsWith('/film/') ? join(dir.path, path.slice('/film/'.length)) : '';
    stat(file).then(
      ({ size }) => {
        response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-length': size });
        createReadStream(file).pipe(response);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    async show(browser, seekSeconds) {
      const { page } = await browser.openPage();
      try {
        await page.goto(`http://127.0.0.1:${port}/`, { waitUntil: 'networkidle' });
        const firstFrameMs = await page.evaluate(() => window.start());
        const seekMs: number[] = [];
        for (const to of seekSeconds) seekMs.push(await page.evaluate((seconds) => window.seek(seconds), to));
        return { firstFrameMs, seekMs };
      } finally {
        await page.context().close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}
