/// <reference lib="dom" />
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CheckedRendition,
  type Clip,
  checkRendition,
  decodeFrameNumbers,
  FRAME_NUMBER_MODULUS,
  fetchBytes,
  judgeFrames,
  launchBrowser,
  makeTempDir,
  openWatchPage,
  readMediaPlaylist,
  startGateway,
  type TestGateway,
  type WatchPage,
  waitFor,
} from '@lodestream/testing';
import { describe, expect, it } from 'vitest';
import { askRun } from './support/ask-run.ts';
import { makeSmallFilm, openFilm, seedFilm } from './support/film.ts';
import { listRuns } from './support/list-runs.ts';
import { encodeInOnePass, hashFrames, installConstantQuantiser } from './support/one-pass.ts';
import { seededRandom, shuffle } from './support/random.ts';

/** Segments that are asked for at once: more clients than slots, as many as a machine of two cores bears. */
const BATCH = 3;
const MIN_RUNS = 18;
/** Sound is made far faster than it is asked for: a run of it has mostly made the next two segments as well. */
const MIN_AUDIO_RUNS = 10;
/** Fast enough to be over soon; a machine with other work decodes no more. */
const PLAYBACK_RATE = 4;
/** A player that waits with more than this in its buffer does not wait for the network. */
const BUFFERED_AHEAD_SECONDS = 1;
/** hls.js steps over what stops it after 3 s. */
const MOMENT_MS = 2500;
const PLAY_TIMEOUT_MS = 120_000;

describe.each([
  // Shorter segments, because a run also makes what comes after its own start: about half of them get a run of their own.
  { how: 'runs that go on', settings: { LODESTREAM_SEGMENT_SECONDS: '4' }, minAudioRuns: MIN_AUDIO_RUNS, seed: 20 },
  { how: 'one run per segment', settings: { LODESTREAM_RUN_SEGMENTS: '1' }, minAudioRuns: MIN_RUNS, seed: 21 },
])('a film made by $how, started in random order', ({ settings, minAudioRuns, seed }) => {
  it('is bit for bit what one encode makes of it, and plays through without a seam', async () => {
    const clip = await makeSmallFilm();
    await using dir = await makeTempDir('seams');
    await using film = await seedFilm(clip);
    await using gateway = await startGateway({
      settings: {
        ...settings,
        PATH: await installConstantQuantiser(dir.path),
        // The encoder's threads are part of what decides its bits.
        LODESTREAM_FFMPEG_THREADS: '1',
        LODESTREAM_ENCODE_SLOTS: '1',
        // All runs are asked for their init segments at the end, however slow the machine is.
        LODESTREAM_CACHE_TTL_SECONDS: '3600',
      },
    });
    const playlists = await openFilm(gateway, film.magnet, film.torrent.infoHash);
    const random = seededRandom(seed);
    const video = await fetchInRandomOrder(playlists.variants[0]?.url ?? '', random);
    const audio = await fetchInRandomOrder(playlists.audio[0]?.url ?? '', random);
    expect(countStarts(gateway, 'video'), 'video runs').toBeGreaterThanOrEqual(MIN_RUNS);
    expect(countStarts(gateway, 'audio'), 'audio runs').toBeGreaterThanOrEqual(minAudioRuns);
    await expectSameInits(gateway);

    const soundSeconds = audio.playlist.segments.reduce((sum, segment) => sum + segment.durationSeconds, 0);
    const reference = await encodeInOnePass(clip, soundSeconds, dir.path);
    const pictures = await hashFrames(await writeRendition(video, dir.path));
    expect(pictures.map((frame) => frame.hash)).toEqual((await hashFrames(reference.videoPath)).map((frame) => frame.hash));
    expect(misplaced(pictures, clip)).toEqual([]);
    expect(await hashFrames(await writeRendition(audio, dir.path))).toEqual(await hashFrames(reference.audioPath));
    expect(await decodeFrameNumbers(video)).toEqual(
      Array.from({ length: clip.frameCount }, (_, frame) => frame % FRAME_NUMBER_MODULUS),
    );
    await expectToPlayThrough(gateway, film.magnet, clip);
  });
});

/** Streams every segment while it is made; what is served afterwards is checked against the playlist and is the same. */
async function fetchInRandomOrder(url: string, random: () => number): Promise<CheckedRendition> {
  const { segments } = await readMediaPlaylist(url);
  const order = shuffle(segments.length, random);
  const streamed: Buffer[] = [];
  for (let at = 0; at < order.length; at += BATCH) {
    const batch = order.slice(at, at + BATCH);
    await Promise.all(
      batch.map(async (segmentIndex) => {
        streamed[segmentIndex] = await fetchBytes(segments[segmentIndex]?.url ?? '');
      }),
    );
  }
  const checked = await checkRendition(url, { segmentIndexes: shuffle(segments.length, random) });
  for (const { segmentIndex, bytes } of checked.segments)
    expect(bytes.equals(streamed[segmentIndex] as Buffer), `segment ${segmentIndex} is the same while and after it is made`).toBe(
      true,
    );
  return checked;
}

function countStarts(gateway: TestGateway, kind: 'video' | 'audio'): number {
  return listRuns(gateway).filter((run) => run.kind === kind).length;
}

/** The gateway serves one of them; every run has made its own. */
async function expectSameInits(gateway: TestGateway): Promise<void> {
  for (const kind of ['video', 'audio'] as const) {
    const runs = listRuns(gateway).filter((run) => run.kind === kind);
    const inits = await Promise.all(runs.map((run) => askRun(gateway, run.name, '/init')));
    expect(
      new Set(inits.map((init) => init.toString('base64'))).size,
      `different init segments of ${runs.length} ${kind} runs`,
    ).toBe(1);
  }
}

async function writeRendition({ kind, init, segments }: CheckedRendition, dir: string): Promise<string> {
  const path = join(dir, `runs-${kind}.mp4`);
  await writeFile(path, Buffer.concat([init, ...segments.map((segment) => segment.bytes)]));
  return path;
}

/** Frames that are not shown at n/fps. */
function misplaced(frames: readonly { seconds: number }[], { frameRate }: Clip): string[] {
  return frames.flatMap(({ seconds }, frame) => {
    const expected = (frame * frameRate.den) / frameRate.num;
    return Math.abs(seconds - expected) < 1e-6 ? [] : [`frame ${frame} is at ${seconds} s instead of ${expected}`];
  });
}

async function expectToPlayThrough(gateway: TestGateway, magnet: string, clip: Clip): Promise<void> {
  await using browser = await launchBrowser();
  const watch = await openWatchPage(browser, gateway.baseUrl, magnet);
  await watch.waitForTime(0.1, PLAY_TIMEOUT_MS);
  const eventsBefore = (await watch.events()).length;
  const stalls = await recordStalls(watch);
  await watch.setPlaybackRate(PLAYBACK_RATE);
  const ranges = new Set<number>();
  await waitFor(
    async () => {
      const state = await watch.state();
      ranges.add(state.buffered.length);
      return state.hasEnded;
    },
    { what: 'the film has ended', timeoutMs: PLAY_TIMEOUT_MS, intervalMs: 100 },
  );
  const frames = await watch.takeFrames();
  expect([...ranges], 'buffered ranges').toEqual([1]);
  expect(judgeFrames(frames, clip)).toEqual([]);
  expect(frames.at(-1)?.mediaTimeSeconds).toBeGreaterThan(clip.durationSeconds - 1);
  const events = (await watch.events()).slice(eventsBefore).map((event) => `${event.name} at ${event.currentSeconds}`);
  expect(events.filter((event) => /^(seeking|error)/.test(event))).toEqual([]);
  expect(await stalls(), 'stalls with the next seconds in the buffer').toEqual([]);
  expect(watch.faults).toEqual({ errors: [], failedResponses: [], strayRequests: [] });
}

/**
 * Where the player stood still although it had what comes next: at a hole, or at a frame that it could not decode. Cores that
 * do other work let a fast decoder run dry for a moment; what is wrong with a stream does not mend itself.
 */
async function recordStalls({ page }: WatchPage): Promise<() => Promise<number[]>> {
  const handle = await page.evaluateHandle(
    ({ aheadSeconds, momentMs }) => {
      const video = document.querySelector('video') as HTMLVideoElement;
      const stalledAt: number[] = [];
      let since: { atMs: number; seconds: number } | null = null;
      video.addEventListener('waiting', () => {
        const { currentTime, buffered } = video;
        const ends = Array.from({ length: buffered.length }, (_, range) => buffered.end(range));
        if (ends.some((end) => end > currentTime + aheadSeconds)) since ??= { atMs: performance.now(), seconds: currentTime };
      });
      video.addEventListener('playing', () => {
        if (since && performance.now() - since.atMs > momentMs) stalledAt.push(since.seconds);
        since = null;
      });
      return stalledAt;
    },
    { aheadSeconds: BUFFERED_AHEAD_SECONDS, momentMs: MOMENT_MS },
  );
  return () => handle.jsonValue();
}
