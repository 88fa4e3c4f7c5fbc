/// <reference lib="dom" />
import type { Page } from 'playwright-core';

/** One answer as the page saw it; times in milliseconds since the epoch. */
export type RequestMark = { url: string; startMs: number; firstByteMs: number; endMs: number };
export type FrameMark = { mediaTimeSeconds: number; shownMs: number };
export type PageMarks = { requests: RequestMark[]; frames: FrameMark[] };

declare global {
  interface Window {
    benchFrames?: FrameMark[];
  }
}

/** Notes every frame that the page's video shows, from the first one on. Call it before the page is opened. */
export async function recordFrames(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const frames: FrameMark[] = [];
    window.benchFrames = frames;
    performance.setResourceTimingBufferSize(5000);
    const watch = (video: HTMLVideoElement) => {
      const onFrame = (nowMs: number, { mediaTime }: VideoFrameCallbackMetadata) => {
        frames.push({ mediaTimeSeconds: mediaTime, shownMs: performance.timeOrigin + nowMs });
        video.requestVideoFrameCallback(onFrame);
      };
      video.requestVideoFrameCallback(onFrame);
    };
    const seen = new WeakSet<Element>();
    new MutationObserver(() => {
      for (const video of document.querySelectorAll('video'))
        if (!seen.has(video)) {
          seen.add(video);
          watch(video);
        }
    }).observe(document, { childList: true, subtree: true });
  });
}

/** What has been noted so far. */
export function takeMarks(page: Page): Promise<PageMarks> {
  return page.evaluate(() => {
    const requests = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
    return {
      frames: window.benchFrames ?? [],
      requests: requests.map((entry) => ({
        url: entry.name,
        startMs: performance.timeOrigin + entry.startTime,
        firstByteMs: performance.timeOrigin + entry.responseStart,
        endMs: performance.timeOrigin + entry.responseEnd,
      })),
    };
  });
}
