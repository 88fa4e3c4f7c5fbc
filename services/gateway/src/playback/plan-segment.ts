import { segmentDurationSeconds, type Timeline } from '@lodestream/shared';

/** What the planner knows of a run of the wanted rendition. */
export type RunView = Readonly<{
  name: string;
  startSegment: number;
  /** First segment that it will not make. */
  until: number;
  /** First segment that is not complete. */
  nextSegment: number;
  /** Parts of `nextSegment` that are made. */
  partsOfNext: number;
  heldSegments: ReadonlySet<number>;
  /** It can still make segments. */
  isMaking: boolean;
  /** Media seconds a second; 0: not known yet. */
  speed: number;
}>;

export type SegmentPlan = { do: 'serve'; run: RunView } | { do: 'wait'; run: RunView } | { do: 'start'; until: number | null };

/** From a run's start to its first part, measured: process, seek, preroll, first pictures (hls.md §3b). */
const RESTART_SECONDS = 1.5;
/** What a run is taken to do before it has made enough to measure. */
const ASSUMED_SPEED = 1;

/**
 * Which run serves the segment: one that holds it, one that will reach it sooner than a new one could, or a new run that
 * starts exactly there and ends where the next covered segment begins.
 */
export function planSegment(
  wanted: number,
  runs: readonly RunView[],
  timeline: Timeline,
  maxRunSegments: number | null,
): SegmentPlan {
  const holder = runs.find((run) => run.heldSegments.has(wanted));
  if (holder) return { do: 'serve', run: holder };
  const nearest = runs
    .filter((run) => run.isMaking && run.nextSegment <= wanted && wanted < run.until)
    .sort((a, b) => b.nextSegment - a.nextSegment)[0];
  if (nearest && secondsUntilReached(nearest, wanted, timeline) <= RESTART_SECONDS) return { do: 'wait', run: nearest };
  return { do: 'start', until: planUntil(wanted, runs, timeline, maxRunSegments) };
}

/**
 * The first segment after `from` that some other run holds or will make: a run ends there. The film's last segment is a run
 * of its own (only there may pads be used), and a run makes at most `maxRunSegments`. null: nothing bounds it.
 */
export function planUntil(
  from: number,
  others: readonly RunView[],
  timeline: Timeline,
  maxRunSegments: number | null,
): number | null {
  const bounds = others.flatMap((run) => coveredAfter(run, from));
  const last = timeline.segmentCount - 1;
  if (from < last) bounds.push(last);
  if (maxRunSegments !== null) bounds.push(from + maxRunSegments);
  return bounds.length > 0 ? Math.min(...bounds) : null;
}

/** What a run holds beyond `from`, and where it goes on; one that is behind `from` will end there instead. */
function coveredAfter(run: RunView, from: number): number[] {
  const held = [...run.heldSegments].filter((segment) => segment > from);
  return run.isMaking && run.nextSegment > from && run.nextSegment < run.until ? [...held, run.nextSegment] : held;
}

/** 0 for the segment in the making: its first parts are there, or come next. */
function secondsUntilReached(run: RunView, wanted: number, timeline: Timeline): number {
  if (wanted === run.nextSegment) return 0;
  const partSeconds = segmentDurationSeconds(timeline, 0) / timeline.partsPerSegment;
  const parts = (wanted - run.nextSegment) * timeline.partsPerSegment - run.partsOfNext;
  return (parts * partSeconds) / (run.speed > 0 ? run.speed : ASSUMED_SPEED);
}
