import { once } from 'node:events';
import { get } from 'node:http';
import { apiPaths } from '@lodestream/shared';
import { buildMagnet, startGateway, startSeeder, waitFor } from '@lodestream/testing';
import { residentBytes } from './measure/processes.ts';
import { postMagnet } from './measure/ready-film.ts';
import { type Measure, type MeasureResult, mebibytes } from './measure/result.ts';
import { makeSparseTorrent } from './measure/sparse-torrent.ts';

const TARGET_BYTES = 250 * 1024 ** 2;
const FILE_BYTES = 4 * 1024 ** 3;
const READ_BYTES = 1024 ** 3;
const PIECE_BYTES = 4 * 1024 ** 2;
/** Memory after the whole read may differ from that after its first half by so much and is still flat. */
const FLAT_SHARE = 0.15;
const SAMPLE_BYTES = 32 * 1024 ** 2;
const TIMEOUT_MS = 60_000;

/** The memory of a downloader that has handed out a gigabyte of a large file. */
export const downloaderMemory: Measure = { name: 'downloader-memory', run };

async function run(): Promise<MeasureResult> {
  await using film = await makeSparseTorrent(FILE_BYTES, PIECE_BYTES);
  const { torrent } = film;
  await using seeder = await startSeeder({ client: 'libtorrent', torrent });
  await using gateway = await startGateway();
  await postMagnet(gateway.baseUrl, buildMagnet(torrent, [seeder]));
  const { pid } = await waitFor(() => gateway.workers().find(({ command }) => command.includes('downloader/src/main')), {
    what: 'the downloader runs',
    timeoutMs: TIMEOUT_MS,
  });
  const samples: number[] = [];
  const url = `${gateway.baseUrl}${apiPaths.content(torrent.infoHash, 0)}`;
  const request = get(url, { headers: { range: `bytes=0-${READ_BYTES - 1}` } });
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  if (response.statusCode !== 206) throw new Error(`the file is answered with ${response.statusCode}`);
  let read = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (Math.floor((read + chunk.length) / SAMPLE_BYTES) > Math.floor(read / SAMPLE_BYTES)) samples.push(residentBytes(pid));
    read += chunk.length;
  }
  if (read !== READ_BYTES) throw new Error(`${read} bytes came`);
  const half = samples.length >> 1;
  const growth = Math.max(...samples.slice(half)) / Math.max(...samples.slice(half >> 1, half));
  const largest = Math.max(...samples);
  return {
    ratios: [
      {
        measure: 'memory of the downloader while 1 GiB of 4 GiB is read',
        ours: mebibytes(largest),
        floor: `second half ${growth.toFixed(2)} × of the first`,
        ratio: mebibytes(largest),
        target: `≤ ${mebibytes(TARGET_BYTES)}, flat`,
        isMet: largest <= TARGET_BYTES && growth <= 1 + FLAT_SHARE,
      },
    ],
  };
}
