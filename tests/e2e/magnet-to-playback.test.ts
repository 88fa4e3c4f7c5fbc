import { apiPaths } from '@lodestream/shared';
import {
  buildMagnet,
  checkRendition,
  createTorrent,
  decodeFrameNumbers,
  decodeTones,
  judgeFrames,
  launchBrowser,
  makeClip,
  openWatchPage,
  readAvcCodec,
  readMultivariantPlaylist,
  startGateway,
  startSeeder,
  startTracker,
} from '@lodestream/testing';
import { expect, test } from 'vitest';

/** Two and a half segments: there are seams, and a last segment that is shorter. */
const SECONDS = 25;
const START_TIMEOUT_MS = 45_000;
/** The picture may stop for a moment where a run hands over, on a machine that does everything at once. */
const PLAY_TIMEOUT_MS = 90_000;

test('a viewer pastes a magnet, and the film plays from its first frame to its last with its sound', async () => {
  const clip = await makeClip({ durationSeconds: SECONDS, name: 'film' });
  await using tracker = await startTracker();
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name, trackers: [tracker.announceUrl] });
  await using seeder = await startSeeder({ client: 'libtorrent', torrent });
  await using gateway = await startGateway();
  await using browser = await launchBrowser();

  const watch = await openWatchPage(browser, gateway.baseUrl, buildMagnet(torrent, [seeder]));
  await watch.waitForTime(0.5, START_TIMEOUT_MS);
  const ended = await watch.waitForTime(SECONDS + 1, PLAY_TIMEOUT_MS);
  const frames = await watch.takeFrames();
  const events = (await watch.events()).map((event) => event.name);

  expect(ended).toMatchObject({ hasEnded: true, error: null });
  expect(Math.abs(ended.currentSeconds - clip.durationSeconds)).toBeLessThan(0.1);
  expect(ended.buffered).toHaveLength(1);
  expect(ended.decodedAudioBytes).toBeGreaterThan(10_000);
  expect(judgeFrames(frames, clip)).toEqual([]);
  // Headless Chromium on busy cores drops frames; it must still have shown most of them, from everywhere.
  expect(frames.length).toBeGreaterThan(clip.frameCount * 0.5);
  expect(events).not.toContain('error');
  expect(watch.faults).toEqual({ errors: [], failedResponses: [], strayRequests: [] });
});

test('the HLS of a film has every frame and every second of sound once, in whatever order it is fetched', async () => {
  const clip = await makeClip({ durationSeconds: SECONDS, name: 'film' });
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name });
  await using seeder = await startSeeder({ client: 'libtorrent', torrent });
  await using gateway = await startGateway();
  const posted = await fetch(`${gateway.baseUrl}${apiPaths.torrents()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ magnet: buildMagnet(torrent, [seeder]) }),
  });
  expect(posted.status).toBe(201);

  const multivariant = await readMultivariantPlaylist(`${gateway.baseUrl}${apiPaths.multivariantPlaylist(torrent.infoHash, 0)}`);
  const variant = multivariant.variants.at(-1);
  const video = await checkRendition(variant?.url ?? '', { segmentIndexes: [2, 0, 1] });
  const audio = await checkRendition(multivariant.audio[0]?.url ?? '', { segmentIndexes: [1, 0, 2] });

  expect(variant?.codecs.split(',')[0]).toBe(readAvcCodec(video.init));
  expect(video.segments.reduce((sum, segment) => sum + segment.frameCount, 0)).toBe(clip.frameCount);
  expect(await decodeFrameNumbers(video)).toEqual(Array.from({ length: clip.frameCount }, (_, n) => n));
  expect((await decodeTones(audio, 0)).slice(0, SECONDS)).toEqual(Array.from({ length: SECONDS }, (_, second) => second % 10));
});

test('a picture that begins half a frame beside the grid loses no frame and shows none twice', async () => {
  // Matroska of ffmpeg begins its AAC at 0 and its picture 21 ms later, which is half a frame of a film.
  const clip = await makeClip({ durationSeconds: SECONDS, width: 320, height: 180, audio: [{ codec: 'aac', hasPriming: true }] });
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name });
  await using seeder = await startSeeder({ client: 'libtorrent', torrent });
  await using gateway = await startGateway();
  await fetch(`${gateway.baseUrl}${apiPaths.torrents()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ magnet: buildMagnet(torrent, [seeder]) }),
  });
  const multivariant = await readMultivariantPlaylist(`${gateway.baseUrl}${apiPaths.multivariantPlaylist(torrent.infoHash, 0)}`);
  const video = await checkRendition(multivariant.variants.at(-1)?.url ?? '', { segmentIndexes: [2, 0, 1] });
  const numbers = await decodeFrameNumbers(video);
  const steps = numbers.slice(1).map((number, i) => number - (numbers[i] ?? 0));
  // One: the first picture is held where the film begins before it.
  expect(steps.filter((step) => step !== 1).length).toBeLessThan(2);
});
