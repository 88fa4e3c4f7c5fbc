import type { Rendition, RunSpec, Timeline } from '@lodestream/shared';

/** What a run is to make, in frames and files, from its spec alone. Frames count from the film's start. */
export type RunPlan = {
  startSegment: number;
  /** The first segment that is not made. */
  endSegment: number;
  /** The film's last segment is a run of its own: only there may a pad fill what the container promised (hls.md §3). */
  isLastSegment: boolean;
  firstFrame: number;
  frameCount: number;
  /** Number of the first file: part j of segment k is file k·partsPerSegment + j (hls.md §3b). */
  firstPart: number;
};

/** Throws when the spec lies outside of its own timeline. */
export function planRun(spec: Pick<RunSpec, 'rendition' | 'startSegment' | 'until'>): RunPlan {
  const { timeline } = spec.rendition;
  const { startSegment } = spec;
  const lastSegment = timeline.segmentCount - 1;
  if (startSegment > lastSegment) throw new Error('the run starts beyond the last segment');
  const isLastSegment = startSegment === lastSegment;
  const endSegment = isLastSegment
    ? timeline.segmentCount
    : Math.max(startSegment + 1, Math.min(spec.until ?? lastSegment, lastSegment));
  const firstFrame = startSegment * timeline.framesPerSegment;
  return {
    startSegment,
    endSegment,
    isLastSegment,
    firstFrame,
    frameCount: Math.min(endSegment * timeline.framesPerSegment, timeline.frameCount) - firstFrame,
    firstPart: startSegment * timeline.partsPerSegment,
  };
}

/** Where the run ends now: orders may shorten it, and lengthen it again, but never beyond what ffmpeg was told. */
export function effectiveEnd(plan: RunPlan, until: number | null): number {
  return until === null ? plan.endSegment : Math.max(plan.startSegment, Math.min(until, plan.endSegment));
}

/** Media time of a frame in seconds; exact enough for nine decimals over a day. */
export function frameSeconds(timeline: Pick<Timeline, 'frameTicks' | 'timescale'>, frame: number): number {
  return (frame * timeline.frameTicks) / timeline.timescale;
}

/** Media seconds of one part. */
export function partSeconds(rendition: Rendition): number {
  return frameSeconds(rendition.timeline, rendition.timeline.framesPerPart);
}
