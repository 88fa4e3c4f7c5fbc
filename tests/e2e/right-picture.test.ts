import {
  judgeFrames,
  launchBrowser,
  openWatchPage,
  startFaultProxy,
  startGateway,
  type WatchPage,
  waitFor,
} from '@lodestream/testing';
import { expect, test } from 'vitest';
import { makeSmallFilm, seedFilm } from './support/film.ts';
import { seededRandom } from './support/random.ts';

const SEEKS = 100;
/** A seek in four is followed by the next one before its picture is there: the load is broken off in the middle. */
const IMPATIENT_SHARE = 0.25;
/** So often the viewer takes the other audio track, just before a seek. */
const SWITCH_EVERY = 7;
/** A few times what the film needs: finished segments also arrive in pieces, whose edges fall anywhere. */
const LINE_BYTES_PER_SECOND = 600_000;
const START_TIMEOUT_MS = 60_000;
/** A place may be at the end of a segment that is encoded from its start, on a machine that does much else. */
const SEEK_TIMEOUT_MS = 60_000;
/** Pictures that are seen at a place before the next seek. */
const MIN_FRAMES_A_PLACE = 3;
/** The frame on display at the time that was asked for began up to one frame before it. */
const TOLERANCE_FRAMES = 1;

test('a hundred random seeks with changes of the audio track show the right picture every time, while segments are made', async () => {
  const clip = await makeSmallFilm();
  await using film = await seedFilm(clip);
  await using gateway = await startGateway();
  const { port } = new URL(gateway.baseUrl);
  await using line = await startFaultProxy({
    target: { address: '127.0.0.1', port: Number(port) },
    faults: { downBytesPerSecond: LINE_BYTES_PER_SECOND },
  });
  await using browser = await launchBrowser();
  const watch = await openWatchPage(browser, `http://${line.address}:${line.port}`, film.magnet);
  const streamed = countStreamedSegments(watch);
  await watch.waitForTime(0.2, START_TIMEOUT_MS);

  const [beginning] = await watch.takeFrames();
  expect(beginning?.mediaTimeSeconds, 's at which the film begins').toBeLessThan(0.5);

  const random = seededRandom(4);
  const framesPerSecond = clip.frameRate.num / clip.frameRate.den;
  const wrong: string[] = [];
  let shown = 0;
  let track = 0;
  let seconds = 0;
  for (let seek = 0; seek < SEEKS; seek++) {
    seconds = pickPlace(random, seconds, clip.durationSeconds);
    if (seek % SWITCH_EVERY === SWITCH_EVERY - 1) await chooseAudioTrack(watch, (track = 1 - track));
    await setTime(watch, seconds);
    const isImpatient = seek < SEEKS - 1 && random() < IMPATIENT_SHARE;
    const frames = isImpatient ? await watch.takeFrames() : await framesAt(watch, seconds, framesPerSecond);
    wrong.push(...judgeFrames(frames, clip).map((text) => `seek ${seek} to ${seconds.toFixed(3)} s: ${text}`));
    const first = isImpatient ? undefined : frames.find((frame) => Math.abs(frame.mediaTimeSeconds - seconds) < 0.5);
    // Busy cores may lose the very first pictures of a place, but show none from before it.
    if (first && first.mediaTimeSeconds < seconds - (1 + TOLERANCE_FRAMES) / framesPerSecond)
      wrong.push(`seek ${seek} to ${seconds.toFixed(3)} s shows ${first.mediaTimeSeconds.toFixed(3)} s first`);
    shown += frames.length;
  }

  expect(wrong).toEqual([]);
  expect(shown).toBeGreaterThan(SEEKS * MIN_FRAMES_A_PLACE * (1 - IMPATIENT_SHARE) * 0.9);
  expect(streamed(), 'segments that came while they were made').toBeGreaterThan(10);
  expect(watch.faults).toEqual({ errors: [], failedResponses: [], strayRequests: [] });
  expect((await watch.events()).map((event) => event.name)).not.toContain('error');
});

/** Anywhere, but not where the pictures of the place before could be taken for those of this one. */
function pickPlace(random: () => number, before: number, durationSeconds: number): number {
  for (;;) {
    // In the last second the film ends, and the picture stands.
    const seconds = random() * (durationSeconds - 1);
    if (Math.abs(seconds - before) > 5) return seconds;
  }
}

/** A finished segment comes with its length, one that is being made without. */
function countStreamedSegments({ page }: WatchPage): () => number {
  let count = 0;
  page.on('response', (response) => {
    if (response.url().endsWith('.m4s') && response.status() === 200 && !('content-length' in response.headers())) count++;
  });
  return () => count;
}

/** By the element itself: how soon a click on the bar becomes a seek is another test's business. */
function setTime({ page }: WatchPage, seconds: number): Promise<void> {
  return page.evaluate((to) => {
    const video = document.querySelector('video') as HTMLVideoElement;
    video.currentTime = to;
  }, seconds);
}

/** The first pictures at the place, and all that came before them. */
async function framesAt(watch: WatchPage, seconds: number, framesPerSecond: number) {
  const frames = await watch.takeFrames();
  const isThere = (at: number) => at > seconds - 1.5 / framesPerSecond && at < seconds + 5;
  await waitFor(
    async () => {
      frames.push(...(await watch.takeFrames()));
      return frames.filter((frame) => isThere(frame.mediaTimeSeconds)).length >= MIN_FRAMES_A_PLACE;
    },
    { what: `pictures at ${seconds.toFixed(3)} s`, timeoutMs: SEEK_TIMEOUT_MS, intervalMs: 30 },
  ).catch(async (error) => {
    const last = frames.slice(-3).map((frame) => frame.mediaTimeSeconds);
    throw new Error(`no picture at ${seconds} s: ${JSON.stringify({ state: await watch.state(), last })}`, { cause: error });
  });
  return frames;
}

/** In the player's own menu. */
async function chooseAudioTrack({ page }: WatchPage, index: number): Promise<void> {
  await page.mouse.move(640, 400);
  await page.mouse.move(600, 420);
  await page.getByTestId('audio-menu').click();
  await page.getByTestId('audio-choice').nth(index).click();
}
