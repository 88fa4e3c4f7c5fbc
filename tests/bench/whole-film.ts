import { descendants } from '@lodestream/testing';
import { interleave } from './measure/interleave.ts';
import { cpuParts } from './measure/processes.ts';
import { makeWholeHls } from './measure/raw-ffmpeg.ts';
import { type Effort, type Measure, type MeasureResult, seconds } from './measure/result.ts';
import { openFilm, readAll } from './measure/small-film.ts';
import { medians } from './measure/statistics.ts';

const SPEED_TARGET = 0.95;
const CPU_TARGET = 1.05;
const FILM = { durationSeconds: 120, width: 1280, height: 720 };

/** A film read in order from its first segment to its last, as fast as it comes, against one ffmpeg that makes all of it. */
export const wholeFilm: Measure = { name: 'whole-film', run };

async function run({ isQuick }: Effort): Promise<MeasureResult> {
  let material: { path: string; renditions: Awaited<ReturnType<typeof openFilm>>['renditions'] } | undefined;
  const readInOrder = async () => {
    await using film = await openFilm(FILM);
    material = { path: film.clip.path, renditions: film.renditions };
    const { gateway, renditions } = film;
    const startedAt = performance.now();
    await Promise.all(
      (['video', 'audio'] as const).map(async (kind) => {
        await readAll(film.url(kind, 'init'));
        for (let segment = 0; segment < renditions[kind].timeline.segmentCount; segment++) await readAll(film.url(kind, segment));
      }),
    );
    const wallMs = performance.now() - startedAt;
    // Runs have ended, and have waited for their ffmpeg: its CPU is in their children's.
    const workers = gateway.workers();
    const transcoders = workers.filter(({ command }) => command.includes('transcoder/src/main')).map(({ pid }) => cpuParts(pid));
    const left = descendants(gateway.pid)
      .filter(({ command }) => command.startsWith('ffmpeg '))
      .map(({ pid }) => cpuParts(pid).ownMs);
    const ffmpegMs = sum(transcoders.map(({ childrenMs }) => childrenMs)) + sum(left);
    const downloader = workers
      .filter(({ command }) => command.includes('downloader/src/main'))
      .map(({ pid }) => cpuParts(pid).ownMs);
    return {
      wallMs,
      ffmpegMs,
      transcodersMs: sum(transcoders.map(({ ownMs }) => ownMs)),
      downloaderMs: sum(downloader),
      gatewayMs: cpuParts(gateway.pid).ownMs,
    };
  };
  const onePass = async () => {
    if (!material) return { wallMs: Number.NaN, cpuMs: Number.NaN };
    return makeWholeHls(material.path, material.renditions);
  };
  // Once before: the floor needs the renditions.
  await readInOrder();
  const results = await interleave(isQuick ? 1 : 5, readInOrder, onePass);
  const ours = medians(results.ours);
  const floor = medians(results.floor);
  const speed = floor.wallMs / ours.wallMs;
  const cpu = ours.ffmpegMs / floor.cpuMs;
  const others = `gateway ${seconds(ours.gatewayMs)}, downloader ${seconds(ours.downloaderMs)}, transcoders without ffmpeg ${seconds(ours.transcodersMs)}, their start included`;
  return {
    ratios: [
      {
        measure: `whole film (${FILM.durationSeconds} s, 720p) read in order through HLS: speed`,
        ours: seconds(ours.wallMs),
        floor: `${seconds(floor.wallMs)}, one-pass ffmpeg to HLS`,
        ratio: speed,
        target: `≥ ${SPEED_TARGET}`,
        isMet: speed >= SPEED_TARGET,
      },
      {
        measure: 'the same: CPU of ffmpeg',
        ours: `${seconds(ours.ffmpegMs)} (besides: ${others})`,
        floor: seconds(floor.cpuMs),
        ratio: cpu,
        target: `≤ ${CPU_TARGET}`,
        isMet: cpu <= CPU_TARGET,
      },
    ],
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
