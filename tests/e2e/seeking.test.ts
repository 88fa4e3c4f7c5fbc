/// <reference lib="dom" />
import {
  type Clip,
  checkRendition,
  cpuMs,
  decodeFrameNumbers,
  judgeFrames,
  launchBrowser,
  makeClip,
  makeLongFilm,
  openWatchPage,
  readMediaPlaylist,
  readProcess,
  startGateway,
  type TestGateway,
  type WatchPage,
  waitFor,
} from '@lodestream/testing';
import { expect, test } from 'vitest';
import { openFilm, seedFilm } from './support/film.ts';
import { listRuns, type SeenRun } from './support/list-runs.ts';

const CLIP_SECONDS = 60;
const FILM_SECONDS = 600;
const START_TIMEOUT_MS = 90_000;
const SEEK_TIMEOUT_MS = 60_000;
/** The bound itself: the encoder left behind is stopped within a second of the seek. */
const STOP_WITHIN_MS = 1000;
/** So much CPU the second encoder uses while the first is watched: enough that a sleeper's share would be seen. */
const OBSERVED_CPU_MS = 1000;
/** At 23.976 frames a second: 20 parts of 12 frames. */
const PARTS_PER_SEGMENT = 20;
const SEGMENT_SECONDS = 10.01;
/** More than a pixel of the bar, which is half a second wide. */
const DEPTH_SECONDS = 1.5;
const DRAG_MOVES = 30;
const DRAG_MS = 3000;
const MAX_RUNS_A_DRAG = 3;
const DRAG_FACTOR = 1.5;

/** One slot and one thread: the encoder is still at work when the viewer leaves. */
const settings = { LODESTREAM_ENCODE_SLOTS: '1', LODESTREAM_FFMPEG_THREADS: '1' };

test('the encoder that a viewer seeks away from is stopped, and goes on without a seam when he comes back', async () => {
  const clip = await makeSourceClip();
  await using film = await seedFilm(await makeLongFilm(clip, FILM_SECONDS));
  await using gateway = await startGateway({ settings });
  const playlists = await openFilm(gateway, film.magnet, film.torrent.infoHash);
  await using browser = await launchBrowser();
  const watch = await openWatchPage(browser, gateway.baseUrl, film.magnet);
  await watch.waitForTime(1, START_TIMEOUT_MS);
  const first = pictureRuns(gateway)[0] as SeenRun;
  expect(first, JSON.stringify(pictureRuns(gateway))).toMatchObject({ startSegment: 0, state: expect.stringMatching(/[RSD]/) });
  const pid = first.ffmpegPid as number;

  const soughtAt = performance.now();
  const arrived = watch.seek(FILM_SECONDS / 2, SEEK_TIMEOUT_MS);
  await waitFor(() => readProcess(pid)?.state === 'T', {
    what: 'the first encoder is stopped',
    timeoutMs: START_TIMEOUT_MS,
    intervalMs: 10,
  });
  expect(performance.now() - soughtAt, 'ms from the seek to the stop').toBeLessThan(STOP_WITHIN_MS);
  const usedMs = cpuMs(pid);
  await arrived;
  const second = await waitFor(() => pictureRuns(gateway).find((run) => run.startSegment > 0 && /[RSD]/.test(run.state ?? '')), {
    what: 'a second encoder runs',
    timeoutMs: SEEK_TIMEOUT_MS,
  });
  expect(second.ffmpegPid).not.toBe(pid);
  await waitFor(() => cpuMs(second.ffmpegPid as number) > OBSERVED_CPU_MS, {
    what: 'the second encoder works',
    timeoutMs: SEEK_TIMEOUT_MS,
  });
  expect(readProcess(pid)?.state).toBe('T');
  expect(cpuMs(pid), 'CPU of the first encoder while it is stopped').toBe(usedMs);

  // To the last second that was made before the seek: what comes next is the sleeper's to make.
  const { segmentSeconds, nextSegment } = await readProgress(gateway, playlists.variants[0]?.url ?? '', first);
  await watch.seek(Math.max(0.5, nextSegment * segmentSeconds - 1.5), SEEK_TIMEOUT_MS);
  await watch.waitForTime(nextSegment * segmentSeconds + 2, START_TIMEOUT_MS);
  expect(readProcess(pid)?.command, 'the same process').toContain('ffmpeg');
  expect(cpuMs(pid), 'CPU of the first encoder after the way back').toBeGreaterThan(usedMs);
  expect(
    pictureRuns(gateway)
      .map((run) => run.name)
      .sort(),
    'no third run',
  ).toEqual([first.name, second.name].sort());
  const { currentSeconds, buffered } = await watch.state();
  expect(buffered.filter(([from, to]) => from <= currentSeconds && currentSeconds <= to)).toHaveLength(1);
  const modulus = clip.frameCount;
  expect(judgeFrames(await watch.takeFrames(), { frameRate: clip.frameRate, modulus })).toEqual([]);
  expect(watch.faults.errors).toEqual([]);

  const seam = await checkRendition(playlists.variants[0]?.url ?? '', { segmentIndexes: [...Array(nextSegment + 1).keys()] });
  const frameCount = seam.segments.reduce((sum, segment) => sum + segment.frameCount, 0);
  expect(await decodeFrameNumbers(seam)).toEqual(Array.from({ length: frameCount }, (_, frame) => frame % modulus));
});

test('dragging the seek bar starts a run or two, and plays as soon as a single seek does', async () => {
  const clip = await makeSourceClip();
  await using film = await seedFilm(await makeLongFilm(clip, FILM_SECONDS));
  await using gateway = await startGateway({ settings });
  await using browser = await launchBrowser();
  const watch = await openWatchPage(browser, gateway.baseUrl, film.magnet);
  await watch.waitForTime(0.5, START_TIMEOUT_MS);

  const singleMs: number[] = [];
  const dragMs: number[] = [];
  expect((await watch.takeFrames())[0]?.mediaTimeSeconds, 's at which the film begins').toBeLessThan(0.5);
  // Every place is far from all others, so that nothing of it has been made before; and equally deep in its segment, because
  // a run makes that from its start.
  for (const [single, dragTo] of [
    [12, 21],
    [30, 39],
    [47, 54],
  ].map((pair) => pair.map((segment) => (segment * SEGMENT_SECONDS + DEPTH_SECONDS) / FILM_SECONDS)) as [number, number][]) {
    singleMs.push(await measureSeek(watch, single, () => watch.page.mouse.down()));
    const before = new Set(listRuns(gateway).map((run) => run.name));
    dragMs.push(await measureSeek(watch, dragTo, () => drag(watch, single, dragTo)));
    const started = listRuns(gateway).filter((run) => !before.has(run.name));
    for (const kind of ['video', 'audio'] as const)
      expect(started.filter((run) => run.kind === kind).length, `${kind} runs of a drag`).toBeLessThanOrEqual(MAX_RUNS_A_DRAG);
  }
  expect(median(dragMs), `ms of drags ${dragMs} after single seeks of ${singleMs}`).toBeLessThan(DRAG_FACTOR * median(singleMs));
  expect(watch.faults).toEqual({ errors: [], failedResponses: [], strayRequests: [] });
});

function makeSourceClip(): Promise<Clip> {
  return makeClip({ durationSeconds: CLIP_SECONDS, width: 640, height: 360 });
}

function pictureRuns(gateway: TestGateway): SeenRun[] {
  return listRuns(gateway).filter((run) => run.kind === 'video');
}

/** How far a run has come, by the parts in its folder. */
async function readProgress(gateway: TestGateway, playlistUrl: string, run: SeenRun) {
  const { segments } = await readMediaPlaylist(playlistUrl);
  const parts = (await gateway.files()).filter((file) => file.includes(`${run.name}/work/`) && /\/\d+\.m4s$/.test(file)).length;
  return {
    segmentSeconds: segments[0]?.durationSeconds ?? 0,
    nextSegment: Math.floor(parts / PARTS_PER_SEGMENT),
  };
}

/** Presses at a share of the bar, does what is done there, lets go, and measures from then to the first picture of the place. */
async function measureSeek(watch: WatchPage, share: number, press: () => Promise<void>): Promise<number> {
  const seconds = share * (await watch.state()).durationSeconds;
  await moveTo(watch, share);
  await press();
  await watch.takeFrames();
  const releasedAt = performance.now();
  await watch.page.mouse.up();
  await waitFor(async () => (await watch.takeFrames()).some((frame) => Math.abs(frame.mediaTimeSeconds - seconds) < 3), {
    what: `a picture at ${seconds.toFixed(1)} s`,
    timeoutMs: SEEK_TIMEOUT_MS,
  }).catch(async (error) => {
    const details = { state: await watch.state(), events: (await watch.events()).slice(-8), faults: watch.faults };
    throw new Error(`no picture at ${seconds.toFixed(1)} s: ${JSON.stringify(details)}`, { cause: error });
  });
  return performance.now() - releasedAt;
}

/**
 * From one share of the bar to the other and past it, as a hand that looks for a place. The moves are the page's own timers,
 * set beforehand: those of another process come late on busy cores, and a late move is a rest of the hand.
 */
async function drag(watch: WatchPage, from: number, to: number): Promise<void> {
  await moveTo(watch, from);
  await watch.page.mouse.down();
  const shares = Array.from({ length: DRAG_MOVES }, (_, move) => {
    const done = (move + 1) / DRAG_MOVES;
    return done === 1 ? to : from + (to - from) * done + 0.05 * Math.sin(move);
  });
  await watch.page.getByTestId('seek-bar').evaluate(moveInPage, { shares, stepMs: DRAG_MS / DRAG_MOVES });
  await moveTo(watch, to);
}

/** Runs in the page. */
async function moveInPage(bar: Element, { shares, stepMs }: { shares: number[]; stepMs: number }): Promise<void> {
  const box = bar.getBoundingClientRect();
  const moves = shares.map(
    (share, move) =>
      new Promise<void>((resolve) =>
        setTimeout(
          () => {
            const clientX = box.left + share * box.width;
            bar.dispatchEvent(new PointerEvent('pointermove', { clientX, clientY: box.top + 2, bubbles: true, pointerId: 1 }));
            resolve();
          },
          (move + 1) * stepMs,
        ),
      ),
  );
  await Promise.all(moves);
}

async function moveTo({ page }: WatchPage, share: number): Promise<void> {
  const box = await page.getByTestId('seek-bar').boundingBox();
  if (!box) throw new Error('the seek bar is not there');
  await page.mouse.move(box.x + share * box.width, box.y + box.height / 2);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
