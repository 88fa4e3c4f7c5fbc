import {
  fetchBytes,
  judgeFrames,
  launchBrowser,
  openWatchPage,
  type PlaybackState,
  readProcess,
  startGateway,
  waitFor,
} from '@lodestream/testing';
import { expect, test } from 'vitest';
import { openFilm, seedSmallFilm } from './support/small-film.ts';
import { encodesPerSegment, listEncoders, listMadeSegments, waitForNothingLeft } from './support/what-is-there.ts';

const FILM_SECONDS = 60;
const START_MS = 45_000;
const PLAY_MS = 60_000;
const FAST = 8;
const VIEWERS = 100;
const MIDDLE_SEGMENT = 8;
/** Short enough to be waited for, longer than the time between two requests of a player. */
const TTL_SECONDS = 10;
/** Invariant 7: a process may need so long after its last owner. */
const GONE_MS = TTL_SECONDS * 1000 + 30_000;

test('two viewers at the same place cost one encode; nothing is left after them, and play goes on where it was', async () => {
  await using film = await seedSmallFilm({ durationSeconds: FILM_SECONDS });
  await using gateway = await startGateway({
    settings: { LODESTREAM_CACHE_TTL_SECONDS: String(TTL_SECONDS), LODESTREAM_SEGMENT_SECONDS: '4' },
  });
  await using browser = await launchBrowser();

  const leaver = await openWatchPage(browser, gateway.baseUrl, film.magnet);
  const stayer = await openWatchPage(browser, gateway.baseUrl, film.magnet);
  await Promise.all([leaver.waitForTime(2, START_MS), stayer.waitForTime(2, START_MS)]);
  const made = await listMadeSegments(gateway.dataDir);
  expect(listEncoders(gateway, 'video').length).toBeLessThanOrEqual(1);
  expect(new Set(made.filter((one) => one.kind === 'video').map((one) => one.renditionId)).size).toBe(1);
  expect(made.length).toBeGreaterThan(2);
  expect(encodesPerSegment(made)).toBe(1);

  await leaver.page.close();
  await stayer.page.keyboard.press('Space');
  const paused = await waitFor(async () => (await stayer.state()).isPaused && stayer.state(), {
    what: 'the film is paused',
    timeoutMs: 5000,
  });
  await waitForNothingLeft(gateway, GONE_MS);

  await stayer.page.evaluate(() => Object.assign(globalThis, { isSamePage: true }));
  await stayer.takeFrames();
  await stayer.page.keyboard.press('Space');
  await stayer.waitForTime(paused.currentSeconds + 0.5, START_MS);
  const [firstFrame] = await stayer.takeFrames();
  expect(Math.abs((firstFrame?.mediaTimeSeconds ?? 0) - paused.currentSeconds)).toBeLessThan(0.5);
  // Beyond what the browser had kept: made anew, by workloads that are new.
  await stayer.setPlaybackRate(FAST);
  const beyond = await stayer.waitForTime(bufferedEnd(paused) + 2, PLAY_MS);
  // So fast a picture moves on before it can be looked at: it is judged at its own speed.
  await stayer.setPlaybackRate(1);
  await stayer.waitForTime(beyond.currentSeconds + 1, PLAY_MS);
  const frames = (await stayer.takeFrames()).filter((frame) => frame.mediaTimeSeconds > beyond.currentSeconds + 0.5);
  expect(frames.length).toBeGreaterThan(0);
  expect(judgeFrames([...(firstFrame ? [firstFrame] : []), ...frames], film.clip)).toEqual([]);
  expect(await stayer.page.evaluate(() => 'isSamePage' in globalThis)).toBe(true);
  expect(stayer.faults.errors).toEqual([]);
  expect(leaver.faults.errors).toEqual([]);
});

test('a hundred viewers of one film cost 1.00 encodes per segment and get the same bytes', async () => {
  await using film = await seedSmallFilm({ durationSeconds: FILM_SECONDS });
  await using gateway = await startGateway({ settings: { LODESTREAM_SEGMENT_SECONDS: '4' } });
  const { video, audio } = await openFilm(gateway, film);

  const segments = Array.from({ length: 5 }, (_, k) => [video.segments[k]?.url ?? '', audio.segments[k]?.url ?? '']);
  const viewers = Array.from({ length: VIEWERS }, async () => {
    const bytes = await Promise.all([video.initUrl, audio.initUrl].map((url) => fetchBytes(url)));
    for (const urls of segments) bytes.push(...(await Promise.all(urls.map((url) => fetchBytes(url)))));
    return bytes;
  });
  const [expected, ...others] = await Promise.all(viewers);
  const made = await listMadeSegments(gateway.dataDir);

  for (const bytes of others)
    for (const [index, one] of bytes.entries()) expect(one.equals(expected?.[index] as Buffer)).toBe(true);
  for (const kind of ['video', 'audio'])
    expect(made.filter((one) => one.kind === kind).map((one) => one.segmentIndex)).toEqual(
      expect.arrayContaining([0, 1, 2, 3, 4]),
    );
  expect(encodesPerSegment(made)).toBe(1);
});

test('a request that is aborted never ends a run that others use', async () => {
  // So large that its middle is not here yet, over a line as fast as the film: a segment is in the making for seconds.
  await using film = await seedSmallFilm({ durationSeconds: 150, extraArgs: ['-crf', '4'] });
  await using gateway = await startGateway();
  const { video } = await openFilm(gateway, film);
  const url = video.segments[MIDDLE_SEGMENT]?.url ?? '';
  await film.seeder.setUploadLimit(Math.ceil(film.torrent.lengthBytes / film.clip.durationSeconds));

  const leaver = new AbortController();
  const left = await fetch(url, { signal: leaver.signal });
  const stayed = (await fetch(url)).body?.getReader();
  const chunks = [await stayed?.read()];
  const [encoder] = listEncoders(gateway, 'video');
  leaver.abort();
  await expect(left.arrayBuffer()).rejects.toThrow();
  chunks.push(await stayed?.read());
  const after = readProcess(encoder?.pid ?? 0);
  await film.seeder.setUploadLimit(0);
  while (!chunks.at(-1)?.done) chunks.push(await stayed?.read());
  const bytes = Buffer.concat(chunks.flatMap((chunk) => chunk?.value ?? []));
  const made = await listMadeSegments(gateway.dataDir);

  expect(encoder).toBeDefined();
  expect(after).toMatchObject({ pid: encoder?.pid, command: encoder?.command });
  expect(bytes.equals(await fetchBytes(url))).toBe(true);
  expect(made.filter((one) => one.kind === 'video' && one.segmentIndex === MIDDLE_SEGMENT)).toHaveLength(1);
});

function bufferedEnd({ currentSeconds, buffered }: PlaybackState): number {
  return buffered.find(([start, end]) => start <= currentSeconds && currentSeconds <= end)?.[1] ?? currentSeconds;
}
