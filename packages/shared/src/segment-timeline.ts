import { z } from 'zod';
import type { Rational } from './media-info.ts';

/**
 * The grid of one rendition, counted in frames and never in seconds (hls.md §2): segment k is the frames
 * [k·framesPerSegment, (k+1)·framesPerSegment). It is computed from the media info alone, so every run, replica and
 * quality agrees on it before one segment exists.
 *
 * A video frame lasts `frameTicks / timescale` seconds (1001/24000); an audio frame is 1024 samples at 48 kHz.
 */
export const Timeline = z.object({
  timescale: z.int().positive(),
  frameTicks: z.int().positive(),
  /** A part is about 0.5 s; a segment is streamed part by part while it is made (hls.md §3b). */
  partsPerSegment: z.int().positive(),
  framesPerPart: z.int().positive(),
  framesPerSegment: z.int().positive(),
  /** Distance of IDR pictures in frames; 1 for audio. Divides `framesPerSegment`. */
  framesPerIdr: z.int().positive(),
  frameCount: z.int().positive(),
  /** Length of the whole in ticks; the last audio frame may be shorter than `frameTicks`. */
  totalTicks: z.int().positive(),
  segmentCount: z.int().positive(),
});
export type Timeline = z.infer<typeof Timeline>;

export const AUDIO_SAMPLE_RATE = 48_000;
export const AUDIO_FRAME_SAMPLES = 1024;
/** 24 AAC frames are 0.512 s: one part. */
const AUDIO_FRAMES_PER_PART = 24;
const PARTS_PER_SEGMENT_AT_10S = [20, 16, 24, 25];

/**
 * The video grid of hls.md §2: c parts of p frames, so that c·p frames come nearest to `targetSeconds`, ties to the first
 * of the list; IDR every 4 parts, or 5 where c = 25.
 */
export function buildVideoTimeline(frameRate: Rational, frameCount: number, targetSeconds = 10): Timeline {
  const { num, den } = frameRate;
  let best = { c: 1, p: 1, error: Number.POSITIVE_INFINITY };
  for (const c of partCounts(targetSeconds)) {
    const p = Math.max(1, Math.round((targetSeconds * num) / (den * c)));
    const error = Math.abs((c * p * den) / num - targetSeconds);
    if (error < best.error - 1e-9) best = { c, p, error };
  }
  const framesPerSegment = best.c * best.p;
  return {
    timescale: num,
    frameTicks: den,
    partsPerSegment: best.c,
    framesPerPart: best.p,
    framesPerSegment,
    framesPerIdr: best.p * (best.c % 4 === 0 ? 4 : 5),
    frameCount,
    totalTicks: frameCount * den,
    segmentCount: Math.ceil(frameCount / framesPerSegment),
  };
}

/** The audio grid: whole parts of 24 AAC frames nearest to the video's segment, sample-exact at the end. */
export function buildAudioTimeline(durationSeconds: number, segmentSeconds: number): Timeline {
  const partSamples = AUDIO_FRAMES_PER_PART * AUDIO_FRAME_SAMPLES;
  const partsPerSegment = Math.max(1, Math.round((segmentSeconds * AUDIO_SAMPLE_RATE) / partSamples));
  const totalTicks = Math.max(1, Math.floor(durationSeconds * AUDIO_SAMPLE_RATE));
  const frameCount = Math.ceil(totalTicks / AUDIO_FRAME_SAMPLES);
  const framesPerSegment = partsPerSegment * AUDIO_FRAMES_PER_PART;
  return {
    timescale: AUDIO_SAMPLE_RATE,
    frameTicks: AUDIO_FRAME_SAMPLES,
    partsPerSegment,
    framesPerPart: AUDIO_FRAMES_PER_PART,
    framesPerSegment,
    framesPerIdr: 1,
    frameCount,
    totalTicks,
    segmentCount: Math.ceil(frameCount / framesPerSegment),
  };
}

/** Start of segment k in seconds; for display and arguments only, never to be added up. */
export function segmentStartSeconds(timeline: Timeline, segmentIndex: number): number {
  return (segmentIndex * timeline.framesPerSegment * timeline.frameTicks) / timeline.timescale;
}

/** Length of segment k in seconds: EXTINF. Their sum is `totalTicks / timescale`. */
export function segmentDurationSeconds(timeline: Timeline, segmentIndex: number): number {
  const start = segmentIndex * timeline.framesPerSegment * timeline.frameTicks;
  const end = Math.min(start + timeline.framesPerSegment * timeline.frameTicks, timeline.totalTicks);
  return (end - start) / timeline.timescale;
}

/** Frames of segment k: `framesPerSegment`, fewer in the last. */
export function segmentFrameCount(timeline: Timeline, segmentIndex: number): number {
  const start = segmentIndex * timeline.framesPerSegment;
  return Math.min(timeline.framesPerSegment, timeline.frameCount - start);
}

/** The segment that holds the time, clamped to the film. */
export function segmentAt(timeline: Timeline, seconds: number): number {
  const index = Math.floor((seconds * timeline.timescale) / (timeline.framesPerSegment * timeline.frameTicks) + 1e-9);
  return Math.min(Math.max(index, 0), timeline.segmentCount - 1);
}

function partCounts(targetSeconds: number): number[] {
  if (targetSeconds === 10) return PARTS_PER_SEGMENT_AT_10S;
  // About two parts a second, divisible by 4 or 5 so that a whole number of IDR distances fits (hls.md §2).
  const around = Math.round(targetSeconds * 2);
  const counts = [0, 1, -1, 2, -2, 3, -3].map((step) => around + step).filter((c) => c >= 4 && (c % 4 === 0 || c % 5 === 0));
  return counts.length > 0 ? counts : [4];
}
