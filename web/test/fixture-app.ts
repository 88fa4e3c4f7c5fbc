import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InfoHash, TorrentFile } from '@lodestream/shared';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { launchBrowser } from './browser-page.ts';
import { type FixtureMedia, makeFixtureMedia } from './fixture-media.ts';
import { type FixtureServer, fixtureTorrent, startFixtureServer } from './fixture-server.ts';

export const FILM = 'a'.repeat(40) as InfoHash;
export const SERIES = 'b'.repeat(40) as InfoHash;
export const MAGNET = `magnet:?xt=urn:btih:${FILM}&dn=The+Film`;
export const WATCH_PATH = `/t/${FILM}/f/1#magnet=${encodeURIComponent(MAGNET)}`;

/** A build of the app and an encode of the film: seconds of work, minutes where many tests run at once. */
const SETUP_TIMEOUT_MS = 300_000;

export type FixtureApp = {
  readonly browser: Browser;
  /** Of the test that runs. */
  readonly server: FixtureServer;
  /** Requests for segments of the picture, in order. */
  segmentRequests(): string[];
};

/** For the tests of a file: the app as it is built for production, a browser, and before each test a fresh server that knows the film and the series. */
export function useFixtureApp(): FixtureApp {
  let distFolder: string;
  let media: FixtureMedia;
  let browser: Browser;
  let server: FixtureServer;

  beforeAll(async () => {
    distFolder = await mkdtemp(join(tmpdir(), 'lodestream-web-dist-'));
    // A process of its own, because inside a test the build would not be the one for production.
    await promisify(execFile)(
      process.execPath,
      ['node_modules/vite/bin/vite.js', 'build', '--outDir', distFolder, '--emptyOutDir'],
      {
        cwd: join(import.meta.dirname, '..'),
        env: { ...process.env, NODE_ENV: 'production' },
      },
    );
    media = await makeFixtureMedia();
    browser = await launchBrowser();
  }, SETUP_TIMEOUT_MS);

  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    await rm(distFolder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    await server?.[Symbol.asyncDispose]();
    server = await startFixtureServer(media, distFolder);
    const film = fixtureTorrent(FILM, [file(0, 'The Film/readme.txt', 'text'), file(1, 'The Film/The Film.mkv')], {
      name: 'The Film',
    });
    const series = fixtureTorrent(SERIES, [file(0, 'Show/S1/E1.mkv'), file(1, 'Show/S1/E2.mkv'), file(2, 'Show/S2/E1.mkv')], {
      name: 'Show',
    });
    server.world.known.set(FILM, film).set(SERIES, series);
  });

  return {
    get browser() {
      return browser;
    },
    get server() {
      return server;
    },
    segmentRequests: () => server.world.requests.filter((request) => /\/hls\/v360-[0-9a-f]+\/\d+\.m4s$/.test(request)),
  };
}

export function file(index: number, path: string, kind: TorrentFile['kind'] = 'video'): TorrentFile {
  return { index, path, lengthBytes: 1_000_000, kind };
}
