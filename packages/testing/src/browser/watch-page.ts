/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { waitFor } from '../processes/wait-for.ts';
import type { PageFaults, TestBrowser } from './launch-browser.ts';
import { type PlaybackState, type PlayerRecorder, recordPlayer } from './player-recorder.ts';

/** Metadata, the first pieces, a probe and the first part, on a machine that other tests load too. */
const START_TIMEOUT_MS = 60_000;

export type WatchPage = PlayerRecorder & {
  readonly page: Page;
  readonly faults: PageFaults;
  /** Waits until the picture has reached the time and goes on moving. */
  waitForTime(seconds: number, timeoutMs: number): Promise<PlaybackState>;
  /** Plays from there, as a click on the seek bar does, and waits for the first frame shown at it; gives the wait in ms. */
  seek(seconds: number, timeoutMs: number): Promise<number>;
  setPlaybackRate(rate: number): Promise<void>;
};

/** Does what a viewer does: opens the page, pastes the magnet, and watches the film that is in it. `prepare` sees the empty page. */
export async function openWatchPage(
  browser: TestBrowser,
  baseUrl: string,
  magnet: string,
  prepare: (page: Page) => unknown = () => {},
): Promise<WatchPage> {
  const { page, faults } = await browser.openPage();
  prepare(page);
  const unanswered: string[] = [];
  page.on('requestfailed', (request) => unanswered.push(`${request.failure()?.errorText} ${request.url()}`));
  try {
    await page.goto(baseUrl);
    await page.getByTestId('magnet-input').fill(magnet);
    await page.getByTestId('add').click();
    return await watchThisPage(page, faults);
  } catch (error) {
    const text = (await page.textContent('body').catch(() => '')) ?? '';
    const details = { url: page.url(), faults, unanswered, text: text.slice(0, 500) };
    throw new Error(`the page did not come to a film\n${JSON.stringify(details, null, 1)}`, { cause: error });
  }
}

/** The same for a page that is on its way to a film already. */
export async function watchThisPage(page: Page, faults: PageFaults): Promise<WatchPage> {
  await page.waitForSelector('video', { state: 'attached', timeout: START_TIMEOUT_MS });
  const recorder = await recordPlayer(page);
  /** An error that shows what the page was like: a time that was not reached says nothing by itself. */
  const fail = async (what: string, cause: unknown) => {
    const [state, events, text] = await Promise.all([
      recorder.state().catch(() => null),
      recorder.events().catch(() => []),
      page.textContent('body').catch(() => ''),
    ]);
    const details = { state, events: events.slice(-20), faults, text: text?.slice(0, 500) };
    return new Error(`${what}\n${JSON.stringify(details, null, 1)}`, { cause });
  };
  return {
    ...recorder,
    page,
    faults,
    waitForTime: (seconds, timeoutMs) =>
      waitFor(
        async () => {
          const state = await recorder.state();
          return (state.currentSeconds >= seconds || state.hasEnded) && state;
        },
        { what: `the film is at ${seconds} s`, timeoutMs, intervalMs: 50 },
      ).catch(async (error) => {
        throw await fail(`the film did not reach ${seconds} s`, error);
      }),
    seek: async (seconds, timeoutMs) => {
      await recorder.takeFrames();
      const startedAt = performance.now();
      await page.evaluate((to) => {
        const video = document.querySelector('video') as HTMLVideoElement;
        video.currentTime = to;
      }, seconds);
      await waitFor(async () => (await recorder.takeFrames()).some((frame) => Math.abs(frame.mediaTimeSeconds - seconds) < 1), {
        what: `a frame at ${seconds} s is shown`,
        timeoutMs,
      }).catch(async (error) => {
        throw await fail(`no frame after a seek to ${seconds} s`, error);
      });
      return performance.now() - startedAt;
    },
    setPlaybackRate: (rate) =>
      page.evaluate((to) => {
        const video = document.querySelector('video') as HTMLVideoElement;
        video.playbackRate = to;
      }, rate),
  };
}
