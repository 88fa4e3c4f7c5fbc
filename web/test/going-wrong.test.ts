import { describe, expect, it } from 'vitest';
import { clickSeekBar, currentSeconds, openPage, readNextFrame, waitUntilPlaying } from './browser-page.ts';
import { FILM, MAGNET, useFixtureApp, WATCH_PATH } from './fixture-app.ts';
import { FILM_SECONDS } from './fixture-media.ts';

const app = useFixtureApp();

describe('when things go wrong', () => {
  it('posts the magnet again when the server has forgotten the torrent, and goes on without a reload', async () => {
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    await page.keyboard.press('k');
    app.server.world.torrents.clear();
    await clickSeekBar(page, 0.75);
    await page.keyboard.press('k');
    await waitUntilPlaying(page);
    expect(await currentSeconds(page)).toBeGreaterThanOrEqual(FILM_SECONDS * 0.75 - 0.5);
    const shown = await readNextFrame(page);
    expect(Math.abs(shown.frame - shown.expectedFrame)).toBeLessThanOrEqual(1);
    expect(app.server.world.requests.filter((request) => request.startsWith('POST'))).toHaveLength(2);
  });

  it('plays on after the network was off for 20 seconds', { timeout: 90_000 }, async () => {
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    app.server.world.isDown = true;
    await clickSeekBar(page, 0.75);
    await page.waitForTimeout(20_000);
    expect(await page.getByTestId('player').getAttribute('data-phase')).toBe('seeking');
    app.server.world.isDown = false;
    await waitUntilPlaying(page);
    expect(await currentSeconds(page)).toBeGreaterThanOrEqual(FILM_SECONDS * 0.75 - 0.5);
  });

  it('loads itself anew when the code of the next page is gone, as after an update', async () => {
    await using watched = await openPage(app.browser);
    const { page } = watched;
    let isBlocked = true;
    let refused = 0;
    await page.route('**/assets/TorrentPage-*.js', (route) => {
      refused += isBlocked ? 1 : 0;
      return isBlocked ? route.fulfill({ status: 404 }) : route.continue();
    });
    await page.goto(app.server.url);
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
    await using watched = await openPage(app.browser);
    const { page } = watched;
    let refusals = 2;
    await page.route('**/assets/index-*.js', (route) => (refusals-- > 0 ? route.fulfill({ status: 404 }) : route.continue()));
    await page.goto(app.server.url);
    await page.getByTestId('magnet-input').waitFor();
    refusals = Number.POSITIVE_INFINITY;
    await page.reload();
    await page.getByText('could not be loaded').waitFor();
  });

  it('shows no wrong picture when bodies break in the middle', async () => {
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    app.server.world.breakAfterParts = 3;
    app.server.world.partDelayMs = 20;
    await clickSeekBar(page, 0.6);
    const asked = () => app.segmentRequests().filter((request) => request.endsWith('/7.m4s')).length;
    await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(1);
    app.server.world.breakAfterParts = null;
    await waitUntilPlaying(page);
    for (let look = 0; look < 5; look += 1) {
      const shown = await readNextFrame(page);
      expect(Math.abs(shown.frame - shown.expectedFrame)).toBeLessThanOrEqual(1);
    }
  });

  it('says why a file cannot be played, and offers the download', async () => {
    app.server.world.mediaProblem = 'not-playable';
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url + WATCH_PATH);
    await page.waitForSelector('[data-testid=failure][data-code=not-playable]');
    expect(await page.getByTestId('failure').textContent()).toContain('codec');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
    expect(download.suggestedFilename()).toBe('film.mkv');
  });

  it('waits through answers that mean "not yet"', async () => {
    app.server.world.mediaProblem = 'not-ready';
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url + WATCH_PATH);
    await page.waitForSelector('[data-testid=player][data-phase=preparing]');
    const asked = () => app.server.world.requests.filter((request) => request.endsWith('index.m3u8')).length;
    await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(2);
    app.server.world.mediaProblem = null;
    await waitUntilPlaying(page);
  });
});
