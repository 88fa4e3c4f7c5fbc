import { launchBrowser, runProcess, startSeeder, type TestTorrent, waitFor } from '@lodestream/testing';
import { piecesOf, startPieceFetcher } from './measure/fetch-pieces.ts';
import { makeFilm, makeFilmTorrent } from './measure/film.ts';
import { interleave } from './measure/interleave.ts';
import { takeMarks } from './measure/page-marks.ts';
import { makeOneSecond } from './measure/raw-ffmpeg.ts';
import { prepareFloor } from './measure/ready-film.ts';
import { type Effort, type Measure, type MeasureResult, seconds } from './measure/result.ts';
import { medians } from './measure/statistics.ts';
import { openViewer } from './measure/viewer.ts';

const TARGET = 1.25;
/** 240 frames of 24000/1001: the grid of the film's picture. */
const SEGMENT_SECONDS = 10.01;
/** Beyond what is read ahead of a film that has just begun; the first one just inside of its segment, whatever is rounded. */
const PLACES = { start: 11 * SEGMENT_SECONDS + 0.02, middle: 8.5 * SEGMENT_SECONDS };
const END_BYTES = 1024 * 1024;
const TIMEOUT_MS = 60_000;

/** Two seeks, to the start of a segment that is not here and to the middle of another one. */
export const farSeek: Measure = { name: 'far-seek', run };

async function run({ isQuick }: Effort): Promise<MeasureResult> {
  const clip = await makeFilm();
  const torrent = await makeFilmTorrent(clip);
  await using browser = await launchBrowser();
  await using material = await prepareFloor(torrent, [0, PLACES.start, PLACES.middle]);
  const pieces = {
    start: await piecesOfSecond(torrent, clip.path, PLACES.start),
    // A run begins at the start of the segment: what it reads is not in the floor, what it shows is.
    middle: await piecesOfSecond(torrent, clip.path, PLACES.middle),
  };
  const floorAt = async (place: keyof typeof PLACES, fetchMs: number, chromiumMs: number | undefined) => {
    const ffmpeg = await makeOneSecond(clip.path, material.renditions, PLACES[place]);
    const chromium = chromiumMs ?? Number.NaN;
    return { pieces: fetchMs, ffmpeg, chromium, total: fetchMs + ffmpeg + chromium };
  };

  const results = await interleave(
    isQuick ? 2 : 9,
    async () => {
      await using seeder = await startSeeder({ client: 'libtorrent', torrent });
      await using viewer = await openViewer(browser);
      await viewer.watch(torrent, seeder);
      const isPlaying = async () => (await takeMarks(viewer.page)).frames.some((frame) => frame.mediaTimeSeconds > 2);
      await waitFor(isPlaying, { what: 'the film plays', timeoutMs: TIMEOUT_MS, intervalMs: 100 });
      await viewer.sparesAreLoaded();
      const start = await viewer.seek(PLACES.start);
      await viewer.sparesAreLoaded();
      return { start, middle: await viewer.seek(PLACES.middle) };
    },
    async () => {
      await using seeder = await startSeeder({ client: 'libtorrent', torrent });
      await using fetcher = await startPieceFetcher(torrent, seeder);
      await fetcher.fetch([
        ...piecesOf(torrent, 0, END_BYTES),
        ...piecesOf(torrent, torrent.lengthBytes - END_BYTES, torrent.lengthBytes),
      ]);
      // A libtorrent that has had all that it wanted takes a second to want more, at the second time and never again.
      for (const skipped of [1, 2]) await fetcher.fetch(piecesOf(torrent, skipped * END_BYTES, skipped * END_BYTES + 1));
      const fetched = { start: await fetcher.fetch(pieces.start), middle: await fetcher.fetch(pieces.middle) };
      const [toStart, toMiddle] = (await material.film.show(browser, [PLACES.start, PLACES.middle])).seekMs;
      return { start: await floorAt('start', fetched.start, toStart), middle: await floorAt('middle', fetched.middle, toMiddle) };
    },
  );
  const lines = (['start', 'middle'] as const).map((place) => {
    const ours = medians(results.ours.map((one) => one[place]));
    const floor = medians(results.floor.map((one) => one[place]));
    const ratio = ours['first frame'] / floor.total;
    return {
      ratio: {
        measure: `far seek to the ${place} of a segment that is not here → first frame`,
        ours: seconds(ours['first frame']),
        floor: `${seconds(floor.total)} = pieces ${seconds(floor.pieces)} + ffmpeg's first second ${seconds(floor.ffmpeg)} + Chromium ${seconds(floor.chromium)}`,
        ratio,
        target: place === 'start' ? `≤ ${TARGET}` : 'reported',
        isMet: place === 'start' ? ratio <= TARGET : null,
      },
      breakdown: {
        title: `Far seek to the ${place} of a segment`,
        marks: Object.entries(ours)
          .map(([what, atMs]) => ({ what, atMs }))
          .sort((a, b) => a.atMs - b.atMs),
      },
    };
  });
  return { ratios: lines.map(({ ratio }) => ratio), breakdowns: lines.map(({ breakdown }) => breakdown) };
}

/** The pieces from the keyframe before a time to one second after it: what any player has to have. */
async function piecesOfSecond(torrent: TestTorrent, path: string, fromSeconds: number): Promise<number[]> {
  const interval = `${fromSeconds.toFixed(3)}%+1.2`;
  const args = ['-v', 'error', '-read_intervals', interval, '-show_entries', 'packet=pos', '-of', 'csv=p=0', path];
  const positions = (await runProcess('ffprobe', args, { timeoutMs: TIMEOUT_MS }))
    .split('\n')
    .map((line) => Number.parseInt(line, 10));
  const known = positions.filter((position) => position > 0);
  return piecesOf(torrent, Math.min(...known), Math.max(...known) + 1);
}
