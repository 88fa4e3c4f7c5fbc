import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempDir, runProcess, startNginx } from '@lodestream/testing';
import { interleave } from './measure/interleave.ts';
import type { Effort, Measure, MeasureResult } from './measure/result.ts';
import { openFilm } from './measure/small-film.ts';
import { median } from './measure/statistics.ts';

const TARGET = 0.5;
const FILM = { durationSeconds: 60, width: 1280, height: 720 };
const SEGMENTS = 5;
const CONNECTIONS = 16;
const TIMEOUT_MS = 120_000;

/** Finished segments out of the gateway's memory against nginx with the same files on its disk; curl reads both. */
export const cachedSegments: Measure = { name: 'cached-segments', run };

async function run({ isQuick }: Effort): Promise<MeasureResult> {
  const requests = isQuick ? 200 : 1000;
  await using film = await openFilm(FILM);
  await using dir = await makeTempDir('nginx');
  const indexes = Array.from({ length: SEGMENTS }, (_, index) => index);
  let lengthBytes = 0;
  await mkdir(join(dir.path, 'film'));
  for (const index of indexes) {
    const bytes = new Uint8Array(await (await fetch(film.url('video', index))).arrayBuffer());
    lengthBytes += bytes.length;
    await writeFile(join(dir.path, 'film', `${index}.m4s`), bytes);
  }
  await using nginx = await startNginx({ dir: dir.path });
  const results = await interleave(
    isQuick ? 2 : 7,
    () => readWithCurl(dir.path, requests, (request) => film.url('video', request % SEGMENTS)),
    () => readWithCurl(dir.path, requests, (request) => `${nginx.baseUrl}/film/${request % SEGMENTS}.m4s`),
  );
  const [ours, floor] = [median(results.ours), median(results.floor)];
  return {
    ratios: [
      {
        measure: `cached segments a second (${(lengthBytes / SEGMENTS / 1e6).toFixed(1)} MB each, ${CONNECTIONS} connections)`,
        ours: `${Math.round(ours)}/s`,
        floor: `${Math.round(floor)}/s, nginx`,
        ratio: ours / floor,
        target: `≥ ${TARGET}`,
        isMet: ours / floor >= TARGET,
      },
    ],
  };
}

/** Requests a second, by one curl with many connections. */
async function readWithCurl(dir: string, requests: number, urlOf: (request: number) => string): Promise<number> {
  const config = join(dir, 'curl.conf');
  const lines = Array.from({ length: requests }, (_, request) => `url = "${urlOf(request)}"\noutput = "/dev/null"`);
  await writeFile(config, lines.join('\n'));
  const startedAt = performance.now();
  await runProcess('curl', ['-s', '-f', '--parallel', '--parallel-max', String(CONNECTIONS), '-K', config], {
    timeoutMs: TIMEOUT_MS,
  });
  return requests / ((performance.now() - startedAt) / 1000);
}
