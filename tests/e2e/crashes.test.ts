import { fileURLToPath } from 'node:url';
import {
  judgeFrames,
  launchBrowser,
  openWatchPage,
  type PlaybackState,
  type ProcessInfo,
  readFirstByte,
  readProcess,
  startGateway,
  type TestBrowser,
  type TestGateway,
  type WatchPage,
  waitFor,
} from '@lodestream/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFilm, type SmallFilm, seedSmallFilm } from './support/small-film.ts';
import { findGateway, listEncoders, listMadeSegments, listWorkers } from './support/what-is-there.ts';

const SUPERVISED = fileURLToPath(new URL('./support/supervised-gateway.mjs', import.meta.url));
const FILM_SECONDS = 150;
/** Behind everything that is read ahead of the film's beginning, before what is fetched of its end. */
const TARGET_SECONDS = 80.5;
const SEGMENT_SECONDS = 4;
/** The seeder gives less than the film needs: the buffer becomes thin soon, whatever the machine could encode. */
const THIN_SHARE = 0.7;
const MAX_BUFFERED_SECONDS = 2;
const START_MS = 60_000;
const PLAY_MS = 60_000;
const ORPHAN_MS = 30_000;
const LOOK_AGAIN_MS = 2000;

type Victim = 'downloader' | 'transcoder' | 'ffmpeg' | 'gateway';

/** Seconds from the kill to the first byte of the next segment that was not yet made. */
const BOUND_SECONDS: Record<Victim, number> = { downloader: 8, transcoder: 5, ffmpeg: 5, gateway: 10 };

describe('a viewer with less than 2 s in the buffer', () => {
  let film: SmallFilm;
  let browser: TestBrowser;
  beforeAll(async () => {
    // A bit rate at which the read-ahead is seconds, not the whole film.
    film = await seedSmallFilm({ durationSeconds: FILM_SECONDS, extraArgs: ['-crf', '4'] });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await film[Symbol.asyncDispose]();
  });

  test.each(Object.keys(BOUND_SECONDS) as Victim[])('goes on watching without a hand when the %s is killed', async (kind) => {
    await film.seeder.setUploadLimit(0);
    await using gateway = await startGateway({
      entry: SUPERVISED,
      settings: { LODESTREAM_SEGMENT_SECONDS: String(SEGMENT_SECONDS) },
    });
    const { video } = await openFilm(gateway, film);
    await film.seeder.setUploadLimit(Math.ceil((film.torrent.lengthBytes / FILM_SECONDS) * THIN_SHARE));
    const watch = await openWatchPage(browser, gateway.baseUrl, film.magnet);
    try {
      const before = await playWithThinBuffer(watch);
      const victim = findVictim(gateway, kind);
      const made = new Set(
        (await listMadeSegments(gateway.dataDir)).filter((one) => one.kind === 'video').map((one) => one.segmentIndex),
      );
      const next = firstMissing(made, Math.floor(TARGET_SECONDS / SEGMENT_SECONDS));

      process.kill(victim.pid, 'SIGKILL');
      const killedAt = performance.now();
      // From here on the time is that of the recovery alone.
      await film.seeder.setUploadLimit(0);
      await readFirstByte(video.segments[next]?.url ?? '', PLAY_MS);
      const seconds = (performance.now() - killedAt) / 1000;
      await watch.waitForTime(before.currentSeconds + 2 * SEGMENT_SECONDS, PLAY_MS);
      const frames = await watch.takeFrames();
      console.info(`${kind}: first byte of a new segment ${seconds.toFixed(2)} s after the kill`);

      expect(bufferedAhead(before)).toBeLessThan(MAX_BUFFERED_SECONDS);
      expect(judgeFrames(frames, film.clip)).toEqual([]);
      expect(watch.faults.errors).toEqual([]);
      await waitFor(() => listOrphans(gateway, victim).length === 0, {
        what: 'no orphan is left',
        // A look at /proc is not one moment: whoever is born meanwhile is seen with its parent in the next.
        timeoutMs: Math.max(LOOK_AGAIN_MS, ORPHAN_MS - (performance.now() - killedAt)),
      }).catch(() => expect(listOrphans(gateway, victim)).toEqual([]));
      expect(seconds).toBeLessThan(BOUND_SECONDS[kind]);
    } catch (error) {
      throw new Error(`${String(error)}\n${gateway.tail().slice(-6000)}`, { cause: error });
    } finally {
      await watch.page.close();
    }
  });
});

/** Seeks to where nothing is made, and returns as soon as it plays there. */
async function playWithThinBuffer(watch: WatchPage): Promise<PlaybackState> {
  await watch.waitForTime(0.2, START_MS);
  await watch.seek(TARGET_SECONDS, START_MS);
  return waitFor(
    async () => {
      const state = await watch.state();
      return state.currentSeconds > TARGET_SECONDS + 0.3 && bufferedAhead(state) < MAX_BUFFERED_SECONDS && state;
    },
    { what: 'the film plays from a thin buffer', timeoutMs: PLAY_MS },
  );
}

function bufferedAhead({ currentSeconds, buffered }: PlaybackState): number {
  return (
    (buffered.find(([start, end]) => start <= currentSeconds && currentSeconds <= end)?.[1] ?? currentSeconds) - currentSeconds
  );
}

function firstMissing(made: ReadonlySet<number>, from: number): number {
  let segmentIndex = from;
  while (made.has(segmentIndex)) segmentIndex++;
  return segmentIndex;
}

/** The process that the viewer's picture hangs on now. */
function findVictim(gateway: TestGateway, kind: Victim): ProcessInfo {
  // The run from the film's beginning is behind; one that was started for what comes next is not yet needed.
  const [encoder] = listEncoders(gateway, 'video')
    .filter((one) => startNumber(one) > 0)
    .sort((a, b) => startNumber(a) - startNumber(b));
  const found = {
    downloader: () => listWorkers(gateway).find(isDownloader),
    transcoder: () => listWorkers(gateway).find((one) => one.pid === encoder?.parentPid),
    ffmpeg: () => encoder,
    gateway: () => findGateway(gateway),
  }[kind]();
  if (!found)
    throw new Error(
      `there is no ${kind}:\n${listWorkers(gateway)
        .map((one) => one.command.slice(0, 150))
        .join('\n')}`,
    );
  return found;
}

function startNumber({ command }: ProcessInfo): number {
  return Number(/-start_number (\d+)/.exec(command)?.[1] ?? 0);
}

function isDownloader({ command }: ProcessInfo): boolean {
  return command.includes('services/downloader/src/main.ts');
}

/** Who has lost its owner and does not know. A downloader outlives its gateway on purpose: but only one. */
function listOrphans(gateway: TestGateway, victim: ProcessInfo): ProcessInfo[] {
  const all = gateway.workers();
  const known = new Set([gateway.pid, ...all.map((one) => one.pid)]);
  const lost = all.filter((one) => !known.has(one.parentPid));
  const isVictimThere = readProcess(victim.pid)?.command === victim.command;
  return [...lost.filter((one) => !isDownloader(one)), ...lost.filter(isDownloader).slice(1), ...(isVictimThere ? [victim] : [])];
}
