import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clip, judgeFrames, launchBrowser, makeClip, type TestBrowser, watchThisPage } from '../src/index.ts';

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

test('the numbers in the picture are read, the sound is decoded, and the end is seen', async () => {
  const { page, faults } = await browser.openPage();
  await page.goto(url);
  const watch = await watchThisPage(page, faults);
  await watch.waitForTime(3, 30_000);
  const frames = await watch.takeFrames();
  expect(frames.length).toBeGreaterThan(10);
  expect(judgeFrames(frames, clip)).toEqual([]);
  const state = await watch.state();
  expect(state).toMatchObject({ width: 640, height: 360, error: null, hasEnded: false });
  expect(state.decodedAudioBytes).toBeGreaterThan(1000);
  await watch.seek(6, 20_000);
  // Beyond the end: only `ended` is an answer. The sound may be a few milliseconds longer than the picture.
  const ended = await watch.waitForTime(9, 30_000);
  expect(ended.hasEnded).toBe(true);
  expect((await watch.events()).map((event) => event.name)).toEqual(expect.arrayContaining(['seeking', 'seeked', 'ended']));
  expect(faults.failedResponses.filter((text) => !text.includes('favicon'))).toEqual([]);
  expect(faults.strayRequests).toEqual([]);
  await page.close();
});

test('a page that is too busy to look in time still knows which picture it sees', async () => {
  const { page, faults } = await browser.openPage();
  await page.addInitScript(() => {
    // Before the recorder's own callback, and so between the frame that it is told of and its look.
    const request = HTMLVideoElement.prototype.requestVideoFrameCallback;
    HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
      return request.call(this, (now, metadata) => {
        for (const until = performance.now() + 300; performance.now() < until; );
        callback(now, metadata);
      });
    };
  });
  await page.goto(url);
  const watch = await watchThisPage(page, faults);
  await watch.waitForTime(3, 30_000);
  const frames = await watch.takeFrames();
  expect(frames.length).toBeGreaterThan(3);
  expect(judgeFrames(frames, clip)).toEqual([]);
  await page.close();
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
