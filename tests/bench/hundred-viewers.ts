import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestGateway } from '@lodestream/testing';
import { residentBytes } from './measure/processes.ts';
import { type Measure, type MeasureResult, mebibytes } from './measure/result.ts';
import { openFilm, readAll } from './measure/small-film.ts';

const VIEWERS = 100;
const SEGMENTS = 4;
const FILM = { durationSeconds: 60, width: 640, height: 360 };
const GATEWAY_TARGET_BYTES = 350 * 1024 ** 2;
/** The memory of the last rounds may differ from that of the first full ones by so much and is still flat. */
const FLAT_SHARE = 0.1;
const ROUNDS = 12;

/** A hundred viewers who watch the same second of the same film: how often it is encoded, and what the gateway needs. */
export const hundredViewers: Measure = { name: 'hundred-viewers', run };

async function run(): Promise<MeasureResult> {
  await using film = await openFilm(FILM);
  const { gateway } = film;
  const watch = async () => {
    const kinds = ['video', 'audio'] as const;
    for (let segment = 0; segment < SEGMENTS; segment++)
      await Promise.all(
        Array.from({ length: VIEWERS }, () => Promise.all(kinds.map((kind) => readAll(film.url(kind, segment))))),
      );
  };
  await watch();
  const whileEncoding = residentBytes(gateway.pid);
  const { made, unique } = countParts(gateway);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await watch();
    rounds.push(residentBytes(gateway.pid));
  }
  const largest = Math.max(whileEncoding, ...rounds);
  const early = Math.max(...rounds.slice(ROUNDS / 4, ROUNDS / 2));
  const late = Math.max(...rounds.slice(-ROUNDS / 4));
  const growth = late / early;
  return {
    ratios: [
      {
        measure: `${VIEWERS} viewers of one film at the same place: encodes per unique segment`,
        ours: `${made} parts made`,
        floor: `${unique} different ones`,
        ratio: made / unique,
        target: '1.00',
        isMet: made === unique,
      },
      {
        measure: `memory of the gateway with ${VIEWERS} viewers`,
        ours: mebibytes(largest),
        floor: `after ${ROUNDS} rounds ${growth.toFixed(2)} × of what it was before`,
        ratio: mebibytes(largest),
        target: `≤ ${mebibytes(GATEWAY_TARGET_BYTES)}, flat`,
        isMet: largest <= GATEWAY_TARGET_BYTES && growth <= 1 + FLAT_SHARE,
      },
    ],
  };
}

/** Parts on the disk of all runs: those that two runs have made are counted twice in `made`. */
function countParts(gateway: TestGateway): { made: number; unique: number } {
  const root = join(gateway.dataDir, 'workloads');
  const parts = readdirSync(root)
    .filter((name) => name.startsWith('tc-'))
    .flatMap((name) => {
      const { rendition } = JSON.parse(readFileSync(join(root, name, 'spec.json'), 'utf8')) as { rendition: { id: string } };
      const work = join(root, name, 'work');
      const files = existsSync(work) ? readdirSync(work).filter((file) => file.endsWith('.m4s')) : [];
      return files.map((file) => `${rendition.id}/${file}`);
    });
  return { made: parts.length, unique: new Set(parts).size };
}
