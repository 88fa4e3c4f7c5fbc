import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InfoHash, TorrentFile } from '@lodestream/shared';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clickSeekBar, currentSeconds, launchBrowser, openPage, readNextFrame, waitUntilPlaying } from './browser-page.ts';
import { FILM_SECONDS, type FixtureMedia, makeFixtureMedia } from './fixture-media.ts';
import { type FixtureServer, fixtureTorrent, startFixtureServer } from './fixture-server.ts';

const FILM = 'a'.repeat(40) as InfoHash;
const SERIES = 'b'.repeat(40) as InfoHash;
const LONELY = 'c'.repeat(40) as InfoHash;
const MAGNET = `magnet:?xt=urn:btih:${FILM}&dn=The+Film`;
const WATCH_PATH = `/t/${FILM}/f/1#magnet=${encodeURIComponent(MAGNET)}`;

/** A build of the app and an encode of the film: seconds of work, minutes where many tests run at once. */
const SETUP_TIMEOUT_MS = 300_000;

let distFolder: string;
let media: FixtureMedia;
let server: FixtureServer;
let browser: Browser;

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

function file(index: number, path: string, kind: TorrentFile['kind'] = 'video'): TorrentFile {
  return { index, path, lengthBytes: 1_000_000, kind };
}

function segmentRequests(): string[] {
  return server.world.requests.filter((request) => /\/hls\/v360-[0-9a-f]+\/\d+\.m4s$/.test(request));
}

describe('from the paste box to the film', () => {
  it('plays a pasted magnet, and Back leads to the list of files', async () => {
    await using watched = await openPage(browser);
    const { page, faults } = watched;
    await page.goto(server.url);
    await page.getByTestId('magnet-input').fill(MAGNET);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${server.url}/t/${FILM}/f/1#magnet=**`);
    await waitUntilPlaying(page);
    expect(await page.title()).toContain('The Film');

    await page.goBack();
    await page.getByTestId('watch').waitFor();
    expect(new URL(page.url()).pathname).toBe(`/t/${FILM}`);
    expect(await page.getByTestId('file').count()).toBe(2);
    // Under the strict content security policy, Trusted Types included.
    expect(faults).toEqual([]);
  });

  it('says what is wrong with what was pasted', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url);
    await page.getByTestId('magnet-input').fill('https://example.org/');
    await page.getByTestId('add').click();
    expect(await page.getByTestId('message').textContent()).toContain('web address');
    expect(server.world.requests).toEqual([]);
  });

  it('opens a .torrent file, says when it is none, and posts it again when the server has forgotten it', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url);
    await page.getByTestId('torrent-file').setInputFiles({ name: 'x.torrent', mimeType: '', buffer: Buffer.from('no torrent') });
    await page.getByText('This torrent is broken').waitFor();
    await page.getByTestId('torrent-file').setInputFiles({ name: 'x.torrent', mimeType: '', buffer: Buffer.from('d4:infode') });
    await page.waitForURL(`${server.url}/t/${FILM}/f/1`);
    server.world.torrents.clear();
    await page.reload();
    await waitUntilPlaying(page);
    expect(server.world.requests.filter((request) => request.endsWith('application/x-bittorrent'))).toHaveLength(3);
  });

  it('shows the files of a series as a tree, and plays the chosen one', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url);
    await page.getByTestId('magnet-input').fill(SERIES);
    await page.getByTestId('add').click();
    await page.getByRole('button', { name: /^S1/ }).waitFor();
    expect(await page.getByTestId('watch').allTextContents()).toEqual(['E1.mkv', 'E2.mkv', 'E1.mkv']);
    await page.getByRole('button', { name: /^S1/ }).click();
    await page.getByTestId('watch').filter({ hasText: 'E2' }).waitFor({ state: 'hidden' });
    await page.getByTestId('watch').first().click();
    await waitUntilPlaying(page);
    expect(new URL(page.url()).pathname).toBe(`/t/${SERIES}/f/2`);
  });

  it('says what a torrent without peers waits for, and goes on when it is found', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(`${server.url}/t/${LONELY}`);
    await page.waitForSelector('[data-testid=stage][data-stage=finding-peers][data-hints=no-peers]');
    server.world.torrents.set(LONELY, fixtureTorrent(LONELY, [file(0, 'found.mkv')], { name: 'Found' }));
    await page.getByTestId('watch').waitFor();
    expect(await page.getByTestId('torrent-name').textContent()).toBe('Found');
    // Not fresh from the paste box: the list stays.
    expect(new URL(page.url()).pathname).toBe(`/t/${LONELY}`);
  });
});

describe('the player', () => {
  it('shows the right picture after every seek, while segments come in parts', async () => {
    server.world.partDelayMs = 25;
    await using watched = await openPage(browser);
    const { page, faults } = watched;
    await page.goto(server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    for (const seconds of [61, 15, 78.4, 79, 30, 40.2, 5, 100, 90, 20.5, 19.9, 110]) {
      await clickSeekBar(page, seconds / FILM_SECONDS);
      await page.waitForFunction((target) => Math.abs((document.querySelector('video')?.currentTime ?? 0) - target) < 2, seconds);
      const shown = await readNextFrame(page);
      expect(Math.abs(shown.frame - shown.expectedFrame), `at ${seconds} s`).toBeLessThanOrEqual(1);
      expect(Math.abs(shown.mediaSeconds - seconds), `at ${seconds} s`).toBeLessThan(2.5);
    }
    expect(faults).toEqual([]);
  });

  it('makes a drag over the seek bar one load, not one for every position', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    await page.waitForFunction(() => (document.querySelector('video')?.buffered.end(0) ?? 0) >= 30);
    const before = segmentRequests().length;
    const box = await page.getByTestId('seek-bar').boundingBox();
    if (!box) throw new Error('the seek bar is not shown');
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
    await page.mouse.down();
    for (let step = 0; step <= 30; step += 1) {
      await page.mouse.move(box.x + box.width * (0.4 + step * 0.015), box.y + box.height / 2);
      await page.waitForTimeout(100);
    }
    const duringDrag = segmentRequests().length - before;
    await page.mouse.up();
    await waitUntilPlaying(page);
    expect(await currentSeconds(page)).toBeGreaterThan(FILM_SECONDS * 0.84);
    // None on an idle machine; on a busy one the pointer itself rests between two positions.
    expect(duringDrag).toBeLessThanOrEqual(8);
  });

  it('goes on at the same place, volume and language after a reload', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    await page.getByTestId('audio-menu').click();
    await page.getByTestId('audio-choice').filter({ hasText: 'Deutsch' }).click();
    await page.keyboard.press('m');
    await clickSeekBar(page, 0.5);
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 61);
    await page.reload();
    await waitUntilPlaying(page);
    expect(await currentSeconds(page)).toBeGreaterThan(59);
    expect(await page.evaluate(() => document.querySelector('video')?.muted)).toBe(true);
    await page.getByTestId('resume-note').waitFor();
    await page.getByTestId('audio-menu').click();
    await page.getByRole('menuitemradio', { name: 'Deutsch', checked: true }).waitFor();
  });

  it('is worked by keyboard, and says its position in words', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    await page.keyboard.press('Space');
    await page.waitForSelector('[data-testid=player][data-phase=paused]');
    await page.keyboard.press('5');
    await page.waitForFunction(() => Math.abs((document.querySelector('video')?.currentTime ?? 0) - 60) < 0.1);
    await page.getByTestId('seek-bar').focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => Math.abs((document.querySelector('video')?.currentTime ?? 0) - 65) < 0.1);
    expect(await page.getByTestId('seek-bar').getAttribute('aria-valuetext')).toBe('1 minute 5 seconds of 2 minutes');
    await page.keyboard.press('k');
    await waitUntilPlaying(page);
    // With a modifier it is the browser's.
    await page.keyboard.press('Alt+k');
    await page.keyboard.press('?');
    await page.getByTestId('shortcut-list').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('shortcut-list').waitFor({ state: 'hidden' });
    await page.waitForSelector('[data-testid=player][data-phase=playing]');
  });

  it('listens to the swarm only while it waits', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    await expect.poll(() => server.world.openEventStreams, { timeout: 10_000 }).toBe(0);
    server.world.partDelayMs = 1_500;
    await clickSeekBar(page, 0.8);
    await page.getByTestId('stall-badge').waitFor();
    expect(await page.getByTestId('stall-badge').textContent()).toContain('4 peers');
    await expect.poll(() => server.world.openEventStreams, { timeout: 5_000 }).toBe(1);
  });
});

describe('when things go wrong', () => {
  it('posts the magnet again when the server has forgotten the torrent, and goes on without a reload', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    await page.keyboard.press('k');
    server.world.torrents.clear();
    await clickSeekBar(page, 0.75);
    await page.keyboard.press('k');
    await waitUntilPlaying(page);
    expect(await currentSeconds(page)).toBeGreaterThanOrEqual(FILM_SECONDS * 0.75 - 0.5);
    const shown = await readNextFrame(page);
    expect(Math.abs(shown.frame - shown.expectedFrame)).toBeLessThanOrEqual(1);
    expect(server.world.requests.filter((request) => request.startsWith('POST'))).toHaveLength(2);
  });

  it('plays on after the network was off for 20 seconds', { timeout: 90_000 }, async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    server.world.isDown = true;
    await clickSeekBar(page, 0.75);
    await page.waitForTimeout(20_000);
    expect(await page.getByTestId('player').getAttribute('data-phase')).toBe('seeking');
    server.world.isDown = false;
    await waitUntilPlaying(page);
    expect(await currentSeconds(page)).toBeGreaterThanOrEqual(FILM_SECONDS * 0.75 - 0.5);
  });

  it('loads itself anew when the code of the next page is gone, as after an update', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    let isBlocked = true;
    let refused = 0;
    await page.route('**/assets/TorrentPage-*.js', (route) => {
      refused += isBlocked ? 1 : 0;
      return isBlocked ? route.fulfill({ status: 404 }) : route.continue();
    });
    await page.goto(server.url);
    await page.getByTestId('magnet-input').fill(MAGNET);
    const reloaded = page.waitForRequest((request) => request.isNavigationRequest());
    await page.getByTestId('add').click();
    await reloaded;
    // Once by itself; when that does not help the visitor is told.
    await page.waitForSelector('[data-testid=failure][data-code=offline]');
    expect(refused).toBeGreaterThan(1);
    isBlocked = false;
    await page.getByTestId('retry').click();
    await page.waitForSelector('[data-testid=file], [data-testid=player]');
    expect(new URL(page.url()).pathname).toContain(FILM);
  });

  it('starts again when its own code is gone, as in the middle of an update, and says so when that does not help', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    let refusals = 2;
    await page.route('**/assets/index-*.js', (route) => (refusals-- > 0 ? route.fulfill({ status: 404 }) : route.continue()));
    await page.goto(server.url);
    await page.getByTestId('magnet-input').waitFor();
    refusals = Number.POSITIVE_INFINITY;
    await page.reload();
    await page.getByText('could not be loaded').waitFor();
  });

  it('shows no wrong picture when bodies break in the middle', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    server.world.breakAfterParts = 3;
    server.world.partDelayMs = 20;
    await clickSeekBar(page, 0.6);
    const asked = () => segmentRequests().filter((request) => request.endsWith('/7.m4s')).length;
    await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(1);
    server.world.breakAfterParts = null;
    await waitUntilPlaying(page);
    for (let look = 0; look < 5; look += 1) {
      const shown = await readNextFrame(page);
      expect(Math.abs(shown.frame - shown.expectedFrame)).toBeLessThanOrEqual(1);
    }
  });

  it('says why a file cannot be played, and offers the download', async () => {
    server.world.mediaProblem = 'not-playable';
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url + WATCH_PATH);
    await page.waitForSelector('[data-testid=failure][data-code=not-playable]');
    expect(await page.getByTestId('failure').textContent()).toContain('codec');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
    expect(download.suggestedFilename()).toBe('film.mkv');
  });

  it('waits through answers that mean "not yet"', async () => {
    server.world.mediaProblem = 'not-ready';
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(server.url + WATCH_PATH);
    await page.waitForSelector('[data-testid=player][data-phase=preparing]');
    const asked = () => server.world.requests.filter((request) => request.endsWith('index.m3u8')).length;
    await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(2);
    server.world.mediaProblem = null;
    await waitUntilPlaying(page);
  });
});
