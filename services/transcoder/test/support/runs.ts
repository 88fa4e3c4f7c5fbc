import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIdleClock } from '@lodestream/service-kit/idle-clock';
import {
  type AudioRendition,
  buildAudioTimeline,
  buildVideoTimeline,
  InfoHash,
  type Rational,
  type Rendition,
  type RunSpec,
  type RunStatus,
  type VideoRendition,
} from '@lodestream/shared';
import { startRun } from '../../src/run/run.ts';
import { lengthOf } from './clips.ts';

const LEVEL = 30;
const RUN_TIMEOUT_MS = 60_000;

export function videoRendition(
  frameRate: Rational,
  frameCount: number,
  size = { width: 96, height: 54 },
  streamIndex = 0,
): VideoRendition {
  return {
    kind: 'video',
    id: 'v54-00000000',
    mode: 'encode',
    streamIndex,
    codecs: `avc1.6400${LEVEL.toString(16).toUpperCase()}`,
    bandwidthBitsPerSecond: 1_000_000,
    frameRate,
    encoding: {
      ...size,
      level: LEVEL,
      crf: 22,
      maxBitrateBitsPerSecond: 1_000_000,
      preset: 'veryfast',
      isInterlaced: false,
      rotationDegrees: 0,
    },
    timeline: buildVideoTimeline(frameRate, frameCount),
  };
}

export function audioRendition(durationSeconds: number, streamIndex: number): AudioRendition {
  return {
    kind: 'audio',
    id: 'a1-00000000',
    mode: 'encode',
    streamIndex,
    codecs: 'mp4a.40.2',
    bandwidthBitsPerSecond: 192_000,
    channels: 2,
    name: 'Track',
    isDefault: true,
    timeline: buildAudioTimeline(durationSeconds, 10),
  };
}

export type SpecOptions = {
  file: string;
  url: string;
  rendition: Rendition;
  startSegment?: number;
  until?: number | null;
  container?: string;
  isIndexed?: boolean;
};

export function runSpec({
  file,
  url,
  rendition,
  startSegment = 0,
  until = null,
  container = 'matroska',
  isIndexed = true,
}: SpecOptions): RunSpec {
  return {
    kind: 'run',
    name: 'tc-test',
    ttlSeconds: 120,
    infoHash: InfoHash.parse('a'.repeat(40)),
    fileIndex: 0,
    source: { url, token: 'token' },
    lengthBytes: lengthOf(file),
    container,
    isIndexed,
    rendition,
    startSegment,
    until,
    ffmpegThreads: 2,
  };
}

export type Made = { init: Buffer; segments: Map<number, Buffer[]>; status: RunStatus };

/** Executes a run to its end, asking for each of its segments in turn as a viewer does. */
export async function execute(spec: RunSpec): Promise<Made> {
  const directory = join(await mkdtemp(join(tmpdir(), 'lodestream-run-')), 'work');
  const signal = AbortSignal.timeout(RUN_TIMEOUT_MS);
  const run = await startRun(spec, { directory, clock: createIdleClock() });
  try {
    const ended = new Promise<void>((resolve) => run.onEnded(() => resolve()));
    const segments = new Map<number, Buffer[]>();
    const init = await run.segments.init(signal);
    for (let k = spec.startSegment; k < run.status().until; k++) {
      run.demand(k);
      await run.segments.firstPart(k, signal);
      const parts: Buffer[] = [];
      for await (const part of run.segments.read(k, signal)) parts.push(part);
      segments.set(k, parts);
    }
    await ended;
    return { init, segments, status: run.status() };
  } finally {
    await run.leave();
    await rm(join(directory, '..'), { recursive: true, force: true });
  }
}

/** All fragments of a segment in the clock of its timeline: decode time, and the samples' number. */
export async function waitUntil(condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
