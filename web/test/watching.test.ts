import type { InfoHash } from '@lodestream/shared';
import { describe, expect, it } from 'vitest';
import { clickSeekBar, currentSeconds, openPage, readNextFrame, waitUntilPlaying } from './browser-page.ts';
import { FILM, file, MAGNET, SERIES, useFixtureApp, WATCH_PATH } from './fixture-app.ts';
import { FILM_SECONDS } from './fixture-media.ts';
import { fixtureTorrent } from './fixture-server.ts';

const LONELY = 'c'.repeat(40) as InfoHash;
const app = useFixtureApp();

describe('from the paste box to the film', () => {
  it('plays a pasted magnet, and Back leads to the list of files', async () => {
    await using watched = await openPage(app.browser);
    const { page, faults } = watched;
    await page.goto(app.server.url);
    await page.getByTestId('magnet-input').fill(MAGNET);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${app.server.url}/t/${FILM}/f/1#magnet=**`);
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
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url);
    await page.getByTestId('magnet-input').fill('https://example.org/');
    await page.getByTestId('add').click();
    expect(await page.getByTestId('message').textContent()).toContain('web address');
    expect(app.server.world.requests).toEqual([]);
  });

  it('opens a .torrent file, says when it is none, and posts it again when the server has forgotten it', async () => {
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url);
    await page.getByTestId('torrent-file').setInputFiles({ name: 'x.torrent', mimeType: '', buffer: Buffer.from('no torrent') });
    await page.getByText('This torrent is broken').waitFor();
    await page.getByTestId('torrent-file').setInputFiles({ name: 'x.torrent', mimeType: '', buffer: Buffer.from('d4:infode') });
    await page.waitForURL(`${app.server.url}/t/${FILM}/f/1`);
    app.server.world.torrents.clear();
    await page.reload();
    await waitUntilPlaying(page);
    expect(app.server.world.requests.filter((request) => request.endsWith('application/x-bittorrent'))).toHaveLength(3);
  });

  it('shows the files of a series as a tree, and plays the chosen one', async () => {
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url);
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
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(`${app.server.url}/t/${LONELY}`);
    await page.waitForSelector('[data-testid=stage][data-stage=finding-peers][data-hints=no-peers]');
    app.server.world.torrents.set(LONELY, fixtureTorrent(LONELY, [file(0, 'found.mkv')], { name: 'Found' }));
    await page.getByTestId('watch').waitFor();
    expect(await page.getByTestId('torrent-name').textContent()).toBe('Found');
    // Not fresh from the paste box: the list stays.
    expect(new URL(page.url()).pathname).toBe(`/t/${LONELY}`);
  });
});

describe('the player', () => {
  it('shows the right picture after every seek, while segments come in parts', async () => {
    app.server.world.partDelayMs = 25;
    await using watched = await openPage(app.browser);
    const { page, faults } = watched;
    await page.goto(app.server.url + WATCH_PATH);
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
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    await page.waitForFunction(() => (document.querySelector('video')?.buffered.end(0) ?? 0) >= 30);
    const before = app.segmentRequests().length;
    const box = await page.getByTestId('seek-bar').boundingBox();
    if (!box) throw new Error('the seek bar is not shown');
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
    await page.mouse.down();
    for (let step = 0; step <= 30; step += 1) {
      await page.mouse.move(box.x + box.width * (0.4 + step * 0.015), box.y + box.height / 2);
      await page.waitForTimeout(100);
    }
    const duringDrag = app.segmentRequests().length - before;
    await page.mouse.up();
    await waitUntilPlaying(page);
    expect(await currentSeconds(page)).toBeGreaterThan(FILM_SECONDS * 0.84);
    // None on an idle machine; on a busy one the pointer itself rests between two positions.
    expect(duringDrag).toBeLessThanOrEqual(8);
  });

  it('goes on at the same place, volume and language after a reload', async () => {
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url + WATCH_PATH);
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
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url + WATCH_PATH);
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
    await using watched = await openPage(app.browser);
    const { page } = watched;
    await page.goto(app.server.url + WATCH_PATH);
    await waitUntilPlaying(page);
    await expect.poll(() => app.server.world.openEventStreams, { timeout: 10_000 }).toBe(0);
    app.server.world.partDelayMs = 1_500;
    await clickSeekBar(page, 0.8);
    await page.getByTestId('stall-badge').waitFor();
    expect(await page.getByTestId('stall-badge').textContent()).toContain('4 peers');
    await expect.poll(() => app.server.world.openEventStreams, { timeout: 5_000 }).toBe(1);
  });
});
