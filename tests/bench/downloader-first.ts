import { makeTempDir, pickLoopbackAddress, startFaultProxy, startSeeder, type TestTorrent, waitFor } from '@lodestream/testing';
import { startDownloader } from '../../services/downloader/test/start-downloader.ts';
import { startPieceFetcher } from './measure/fetch-pieces.ts';
import { interleave } from './measure/interleave.ts';
import type { Peer } from './measure/leech.ts';
import { type Effort, type Measure, type MeasureResult, seconds } from './measure/result.ts';
import { makeSparseTorrent } from './measure/sparse-torrent.ts';
import { medians } from './measure/statistics.ts';

const MIB = 1024 ** 2;
const FILE_BYTES = 256 * MIB;
const FAR_PIECE = 200;
const TARGET = 1.5;
const TIMEOUT_MS = 60_000;

/** A magnet of a transmission seeder alone: its metadata, and then the first MiB far inside of the film. */
export const downloaderFirst: Measure = { name: 'downloader-first', run };

async function run({ isQuick }: Effort): Promise<MeasureResult> {
  await using film = await makeSparseTorrent(FILE_BYTES, MIB);
  await using seeder = await startSeeder({ client: 'transmission', torrent: film.torrent, dir: film.dir });
  const results = await interleave(
    isQuick ? 2 : 10,
    () => fetchFirst(film.torrent, seeder),
    async () => {
      const startedAt = performance.now();
      await using fetcher = await startPieceFetcher(film.torrent, seeder);
      const far = await fetcher.fetch([FAR_PIECE]);
      return { metadata: fetcher.metadataMs, total: fetcher.metadataMs + far, whole: performance.now() - startedAt };
    },
  );
  const [ours, floor] = [medians(results.ours), medians(results.floor)];
  return {
    ratios: [
      {
        measure: 'metadata and the first far MiB from one transmission seeder',
        ours: `${seconds(ours.total)} (metadata ${seconds(ours.metadata)})`,
        floor: `${seconds(floor.total)} (metadata ${seconds(floor.metadata)}), libtorrent`,
        ratio: ours.total / floor.total,
        target: `≤ ${TARGET}`,
        isMet: ours.total / floor.total <= TARGET,
      },
    ],
  };
}

/** From when the program listens, as libtorrent's time begins with its session. */
async function fetchFirst(torrent: TestTorrent, seeder: Peer): Promise<{ metadata: number; total: number }> {
  await using proxy = await startFaultProxy({ target: seeder, localAddress: pickLoopbackAddress() });
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({
    infoHash: torrent.infoHash,
    workDir: work.path,
    peers: [`${proxy.address}:${proxy.port}`],
  });
  const startedAt = performance.now();
  await waitFor(async () => (await downloader.status()).state === 'ready', {
    what: 'the metadata is there',
    timeoutMs: TIMEOUT_MS,
    intervalMs: 5,
  });
  const metadata = performance.now() - startedAt;
  await downloader.read(0, FAR_PIECE * MIB, (FAR_PIECE + 1) * MIB, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { metadata, total: performance.now() - startedAt };
}
