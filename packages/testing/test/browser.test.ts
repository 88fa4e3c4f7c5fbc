import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clip, judgeFrames, launchBrowser, makeClip, type TestBrowser, watchThisPage } from '../src/index.ts';

/** A clip of 8 s, on a machine that other tests load too. */
const PLAY_TIMEOUT_MS = 30_000;
/** Several pictures long. */
const BUSY_MS = 300;

let browser: TestBrowser;
let clip: Clip;
let server: ReturnType<typeof createServer>;
let url: string;

/** Without ranges a browser cannot seek. */
function sendRange(range: string | undefined, response: ServerResponse, bytes: Buffer): void {
  const start = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
  const headers = { 'content-type': 'video/mp4', 'content-length': bytes.length - start, 'accept-ranges': 'bytes' };
  response
    .writeHead(206, { ...headers, 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` })
    .end(bytes.subarray(start));
}

/** The browser plays the file itself: no part of the product is between the clip and the oracle. */
beforeAll(async () => {
  clip = await makeClip({ durationSeconds: 8, frameRate: '25', container: 'mp4', fastStart: true, width: 640, height: 360 });
  const bytes = await readFile(clip.path);
  server = createServer((request, response) => {
    if (request.url === '/clip.mp4') sendRange(request.headers.range, response, bytes);
    else if (request.url === '/')
      response.writeHead(200, { 'content-type': 'text/html' }).end('<video src="/clip.mp4" autoplay></video>');
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

/** The clip's first seconds, every picture of which is the right one. */
async function watchSomeSeconds(prepare: (page: Page) => Promise<unknown> = async () => {}) {
  const { page, faults } = await browser.openPage();
  await prepare(page);
  await page.goto(url);
  const watch = await watchThisPage(page, faults);
  await watch.waitForTime(3, PLAY_TIMEOUT_MS);
  const frames = await watch.takeFrames();
  expect(judgeFrames(frames, clip)).toEqual([]);
  return { watch, faults, frames, [Symbol.asyncDispose]: () => page.close() };
}

test('the numbers in the picture are read, the sound is decoded, and the end is seen', async () => {
  await using watched = await watchSomeSeconds();
  const { watch, faults } = watched;
  expect(watched.frames.length).toBeGreaterThan(10);
  const state = await watch.state();
  expect(state).toMatchObject({ width: 640, height: 360, error: null, hasEnded: false });
  expect(state.decodedAudioBytes).toBeGreaterThan(1000);
  await watch.seek(6, 20_000);
  // Beyond the end: only `ended` is an answer. The sound may be a few milliseconds longer than the picture.
  const ended = await watch.waitForTime(9, PLAY_TIMEOUT_MS);
  expect(ended.hasEnded).toBe(true);
  expect((await watch.events()).map((event) => event.name)).toEqual(expect.arrayContaining(['seeking', 'seeked', 'ended']));
  expect(faults.failedResponses.filter((text) => !text.includes('favicon'))).toEqual([]);
  expect(faults.strayRequests).toEqual([]);
});

test('a page that is too busy to look in time still knows which picture it sees', async () => {
  await using watched = await watchSomeSeconds((page) =>
    page.addInitScript((busyMs) => {
      // Before the recorder's own callback, and so between the frame that it is told of and its look.
      const request = HTMLVideoElement.prototype.requestVideoFrameCallback;
      HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
        return request.call(this, (now, metadata) => {
          for (const until = performance.now() + busyMs; performance.now() < until; );
          callback(now, metadata);
        });
      };
    }, BUSY_MS),
  );
  expect(watched.frames.length).toBeGreaterThan(3);
});

test('the pictures of a page that is no secure context are refused, not passed over', async () => {
  await using insecure = await launchBrowser({ extraFlags: ['--host-resolver-rules=MAP a-name.test 127.0.0.1'] });
  const { page, faults } = await insecure.openPage();
  await page.goto(url.replace('127.0.0.1', 'a-name.test'));
  const watch = await watchThisPage(page, faults);
  await watch.waitForTime(0.5, PLAY_TIMEOUT_MS);
  await expect(watch.takeFrames()).rejects.toThrow('secure context');
  expect(faults.errors).toEqual([]);
});

test('what a page complains about is collected', async () => {
  const { page, faults } = await browser.openPage();
  await page.goto(url);
  await page.evaluate(() => {
    console.error('something is wrong');
    setTimeout(() => {
      throw new Error('uncaught');
    });
  });
  await page.evaluate(() => fetch('/nothing'));
  await expect.poll(() => faults.errors).toEqual(expect.arrayContaining(['something is wrong', 'Error: uncaught']));
  expect(faults.failedResponses.some((text) => text.startsWith('404') && text.endsWith('/nothing'))).toBe(true);
  await page.close();
});
