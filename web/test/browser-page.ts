import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { FRAME_NUMBER_BITS, FRAMES_PER_SECOND } from './fixture-media.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--autoplay-policy=no-user-gesture-required'] });
}

export interface WatchedPage extends AsyncDisposable {
  page: Page;
  /** Errors of the page and violations of its content security policy. */
  faults: string[];
}

/** A page in a context of its own (nothing remembered), whose errors are collected. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 960, height: 600 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    // A refused request is reported by the browser itself; the tests make requests fail on purpose.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(message.text());
  });
  return { page, faults, [Symbol.asyncDispose]: () => context.close() };
}

export interface ShownFrame {
  /** The number that is drawn into the picture. */
  frame: number;
  /** The number that the picture's time says it should be. */
  expectedFrame: number;
  mediaSeconds: number;
}

/** Waits for the next picture that is really shown and reads its number out of its pixels. */
export function readNextFrame(page: Page): Promise<ShownFrame> {
  return page.evaluate(
    ([bits, framesPerSecond]) =>
      new Promise<{ frame: number; expectedFrame: number; mediaSeconds: number }>((resolve, reject) => {
        const video = document.querySelector('video');
        if (!video) return reject(new Error('there is no video'));
        const timer = setTimeout(() => {
          const spans = Array.from({ length: video.buffered.length }, (_, n) => [video.buffered.start(n), video.buffered.end(n)]);
          const { currentTime, paused, seeking, readyState } = video;
          reject(new Error(`no new picture within 8 s: ${JSON.stringify({ currentTime, paused, seeking, readyState, spans })}`));
        }, 8_000);
        video.requestVideoFrameCallback((_now, { mediaTime }) => {
          clearTimeout(timer);
          const canvas = document.createElement('canvas');
          canvas.width = 640;
          canvas.height = 48;
          const context = canvas.getContext('2d');
          if (!context) return reject(new Error('no canvas'));
          context.drawImage(video, 0, 0, 640, 360);
          let frame = 0;
          for (let bit = 0; bit < bits; bit += 1) {
            const [red = 0] = context.getImageData(48 * bit + 24, 24, 1, 1).data;
            if (red > 128) frame += 2 ** bit;
          }
          resolve({ frame, expectedFrame: Math.round(mediaTime * framesPerSecond), mediaSeconds: mediaTime });
        });
      }),
    [FRAME_NUMBER_BITS, FRAMES_PER_SECOND] as const,
  );
}

export function currentSeconds(page: Page): Promise<number> {
  return page.evaluate(() => document.querySelector('video')?.currentTime ?? -1);
}

/** Waits until the film plays and its time goes on. */
export async function waitUntilPlaying(page: Page, timeoutMs = 20_000): Promise<void> {
  await page.waitForSelector('[data-testid=player][data-phase=playing]', { timeout: timeoutMs });
  const before = await currentSeconds(page);
  await page.waitForFunction((from) => (document.querySelector('video')?.currentTime ?? 0) > from + 0.3, before, {
    timeout: timeoutMs,
  });
}

/** A click into the seek bar at that part of it. */
export async function clickSeekBar(page: Page, fraction: number): Promise<void> {
  await page.mouse.move(480, 300);
  await page.waitForSelector('[data-testid=player][data-controls=shown]');
  const box = await page.getByTestId('seek-bar').boundingBox();
  if (!box) throw new Error('the seek bar is not shown');
  await page.mouse.click(box.x + box.width * fraction, box.y + box.height / 2);
}
