import { launchBrowser, startSeeder } from '@lodestream/testing';
import { piecesOf, startPieceFetcher } from './measure/fetch-pieces.ts';
import { makeFilm, makeFilmTorrent } from './measure/film.ts';
import { interleave } from './measure/interleave.ts';
import { makeOneSecond } from './measure/raw-ffmpeg.ts';
import { prepareFloor } from './measure/ready-film.ts';
import { type Effort, type Measure, type MeasureResult, seconds } from './measure/result.ts';
import { medians } from './measure/statistics.ts';
import { openViewer } from './measure/viewer.ts';

const TARGET = 1.25;
/** What a player needs before it can do anything, as the downloader prepares it. */
const END_BYTES = 1024 * 1024;

export const firstFrame: Measure = { name: 'first-frame', run };

async function run({ isQuick }: Effort): Promise<MeasureResult> {
  const clip = await makeFilm();
  const torrent = await makeFilmTorrent(clip);
  await using browser = await launchBrowser();
  await using material = await prepareFloor(torrent, [0]);
  const ends = [...piecesOf(torrent, 0, END_BYTES), ...piecesOf(torrent, torrent.lengthBytes - END_BYTES, torrent.lengthBytes)];

  const results = await interleave(
    isQuick ? 2 : 9,
    async () => {
      await using seeder = await startSeeder({ client: 'libtorrent', torrent });
      await using viewer = await openViewer(browser);
      return await viewer.watch(torrent, seeder);
    },
    async () => {
      await using seeder = await startSeeder({ client: 'libtorrent', torrent });
      await using fetcher = await startPieceFetcher(torrent, seeder);
      const pieces = fetcher.metadataMs + (await fetcher.fetch(ends));
      const ffmpeg = await makeOneSecond(clip.path, material.renditions, 0);
      const chromium = (await material.film.show(browser, [])).firstFrameMs;
      return { pieces, ffmpeg, chromium, total: pieces + ffmpeg + chromium };
    },
  );
  const ours = medians(results.ours);
  const floor = medians(results.floor);
  const ratio = ours['first frame'] / floor.total;
  const marks = Object.entries(ours).map(([what, atMs]) => ({ what, atMs }));
  return {
    ratios: [
      {
        measure: 'magnet → first frame in Chromium, 1080p film, seeder on loopback',
        ours: seconds(ours['first frame']),
        floor: `${seconds(floor.total)} = pieces ${seconds(floor.pieces)} + ffmpeg's first second ${seconds(floor.ffmpeg)} + Chromium ${seconds(floor.chromium)}`,
        ratio,
        target: `≤ ${TARGET}`,
        isMet: ratio <= TARGET,
      },
    ],
    breakdowns: [{ title: 'Magnet to first frame', marks: marks.sort((a, b) => a.atMs - b.atMs) }],
  };
}
