import { type LeecherClient, startLibtorrentSeeder } from '@lodestream/testing';
import { type Leech, leechWith, leechWithOurs } from './measure/leech.ts';
import { type Effort, type Measure, type MeasureResult, mebibytes, type Ratio } from './measure/result.ts';
import { makeSparseTorrent } from './measure/sparse-torrent.ts';
import { medians } from './measure/statistics.ts';

const FILE_BYTES = 512 * 1024 ** 2;
const PIECE_BYTES = 1024 ** 2;
/** Ours has the bytes read back by HTTP, and is written in a language of its own. */
const TARGET = 0.5;
const OTHERS: readonly LeecherClient[] = ['libtorrent', 'aria2', 'transmission'];

/** One torrent from one libtorrent seeder on open loopback: rate, CPU time and memory of the downloader against others. */
export const downloaderRate: Measure = { name: 'downloader-rate', run };

async function run({ isQuick }: Effort): Promise<MeasureResult> {
  await using film = await makeSparseTorrent(FILE_BYTES, PIECE_BYTES);
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.14.1' });
  const runs = new Map<string, Leech[]>();
  // The first turn warms files and code, and does not count.
  for (let turn = 0; turn <= (isQuick ? 2 : 10); turn++)
    for (const client of ['ours', ...OTHERS] as const) {
      const leech = client === 'ours' ? await leechWithOurs(film.torrent, seeder) : await leechWith(client, film.torrent, seeder);
      if (turn > 0) runs.set(client, [...(runs.get(client) ?? []), leech]);
    }
  const ours = medians(runs.get('ours') ?? []);
  const rateOf = ({ ms }: Leech) => FILE_BYTES / ms / 1000;
  const cpuOf = (leech: Leech) => (leech.cpuMs / 1000) * (1024 ** 3 / FILE_BYTES);
  const ratios = OTHERS.flatMap((client): Ratio[] => {
    const other = medians(runs.get(client) ?? []);
    const isJudged = client === 'libtorrent';
    return [
      {
        measure: `rate of the downloader against ${client}, one libtorrent seeder, 1 MiB pieces`,
        ours: `${rateOf(ours).toFixed(0)} MB/s`,
        floor: `${rateOf(other).toFixed(0)} MB/s, ${client}`,
        ratio: rateOf(ours) / rateOf(other),
        target: isJudged ? `≥ ${TARGET}` : 'reported',
        isMet: isJudged ? rateOf(ours) / rateOf(other) >= TARGET : null,
      },
      {
        measure: `… its CPU time and memory against ${client}`,
        ours: `${cpuOf(ours).toFixed(1)} s per GiB, ${mebibytes(ours.residentBytes)}`,
        floor: `${cpuOf(other).toFixed(1)} s per GiB, ${mebibytes(other.residentBytes)}`,
        ratio: cpuOf(ours) / cpuOf(other),
        target: 'reported',
        isMet: null,
      },
    ];
  });
  return { ratios };
}
