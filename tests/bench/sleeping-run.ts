import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendants, waitFor } from '@lodestream/testing';
import { cpuParts, residentBytes } from './measure/processes.ts';
import { type Effort, type Measure, type MeasureResult, mebibytes, seconds } from './measure/result.ts';
import { type OpenFilm, openFilm, readPast } from './measure/small-film.ts';
import { median } from './measure/statistics.ts';

const WAKE_TARGET = 0.6;
const FILM = { durationSeconds: 300, width: 1280, height: 720 };
/** How long a sleeper is watched. */
const WATCHED_MS = 5000;
/** Nine segments of 720p on a slow machine. */
const TIMEOUT_MS = 180_000;
/** Beyond what the run makes once it has been woken: no run is near. */
const FAR_SEGMENT = 25;

/** A run that is far enough ahead of its viewers: what it costs, and how soon it goes on. */
export const sleepingRun: Measure = { name: 'sleeping-run', run };

async function run({ isQuick }: Effort): Promise<MeasureResult> {
  const wakes: number[] = [];
  const restarts: number[] = [];
  let cpuMs = 0;
  let memoryBytes = 0;
  for (let round = 0; round < (isQuick ? 1 : 5); round++) {
    await using film = await openFilm(FILM);
    await (await readPast(film.url('video', 0), 0)).rest;
    const asleep = await waitUntilAsleep(film);
    const before = cpuParts(asleep.pid).ownMs;
    await sleep(WATCHED_MS);
    cpuMs = Math.max(cpuMs, cpuParts(asleep.pid).ownMs - before);
    memoryBytes = Math.max(memoryBytes, residentBytes(asleep.pid));

    const woken = await readPast(film.url('video', asleep.segment), asleep.madeBytes);
    wakes.push(woken.afterMs);
    await woken.rest;
    await waitUntilAsleep(film);
    restarts.push((await readPast(film.url('video', FAR_SEGMENT), 0)).afterMs);
  }
  const ratio = median(wakes) / median(restarts);
  return {
    ratios: [
      {
        measure: `a sleeping run: CPU of its ffmpeg in ${WATCHED_MS / 1000} s`,
        ours: `${cpuMs} ms`,
        floor: '–',
        ratio: cpuMs / WATCHED_MS,
        target: '0.0',
        isMet: cpuMs === 0,
      },
      {
        measure: 'the same: wake → next part',
        ours: seconds(median(wakes)),
        floor: `${seconds(median(restarts))}, the first part of a new run`,
        ratio,
        target: `≤ ${WAKE_TARGET}`,
        isMet: ratio <= WAKE_TARGET,
      },
      {
        measure: `the same: memory of its ffmpeg (${FILM.height}p)`,
        ours: mebibytes(memoryBytes),
        floor: '–',
        ratio: mebibytes(memoryBytes),
        target: 'reported',
        isMet: null,
      },
    ],
  };
}

type Asleep = { pid: number; segment: number; madeBytes: number };

/** Waits until the picture's run sleeps; gives the segment that it is in, and how much of that one is made. */
async function waitUntilAsleep({ gateway, renditions }: OpenFilm): Promise<Asleep> {
  const { pid } = await waitFor(
    () =>
      descendants(gateway.pid).find(
        ({ command, state }) => command.startsWith('ffmpeg ') && command.includes('libx264') && state === 'T',
      ),
    { what: 'the run sleeps', timeoutMs: TIMEOUT_MS },
  );
  const root = join(gateway.dataDir, 'workloads');
  const work = readdirSync(root)
    .filter((name) => name.startsWith('tc-'))
    .map((name) => join(root, name, 'work'))
    .find((dir) => isCurrentDirectory(pid, dir));
  if (work === undefined) throw new Error(`the run of ffmpeg ${pid} has no folder`);
  const parts = readdirSync(work)
    .flatMap((name) => /^(\d+)\.m4s$/.exec(name)?.[1] ?? [])
    .map(Number);
  const { partsPerSegment } = renditions.video.timeline;
  const segment = Math.floor((Math.max(...parts) + 1) / partsPerSegment);
  const ofSegment = parts.filter((part) => part >= segment * partsPerSegment);
  return { pid, segment, madeBytes: ofSegment.reduce((sum, part) => sum + statSync(join(work, `${part}.m4s`)).size, 0) };
}

/** ffmpeg runs in the work folder of its run. */
function isCurrentDirectory(pid: number, dir: string): boolean {
  return statSync(`/proc/${pid}/cwd`).ino === statSync(dir, { throwIfNoEntry: false })?.ino;
}
