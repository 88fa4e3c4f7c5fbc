import {
  type InfoHash,
  type Rendition,
  type RunOrders,
  type RunSpec,
  type RunStatus,
  segmentStartSeconds,
} from '@lodestream/shared';
import type { SlotClaim } from '../admission/encode-slots.ts';
import type { RunView } from './plan-segment.ts';

/** How long a viewer's request counts as his place (hls.md §8). */
const DEMAND_WINDOW_MS = 60_000;

/** What the gateway knows and wants of one run. Plain state; the fleet changes it and sends the orders. */
export type RunHandle = {
  readonly spec: RunSpec;
  readonly uid: string;
  /** Rendition of a file of a torrent: runs of one key serve each other's segments. */
  readonly key: string;
  /** This gateway has wanted something of it: from then on it gives it orders. Of others it only asks how they are. */
  isOurs: boolean;
  status: RunStatus | undefined;
  /** First segment that did not come whole yet: what has come is made, whatever was heard of the run before. */
  delivered: number;
  until: number | null;
  hasSlot: boolean;
  partsAtSlot: number;
  readonly waiters: Set<{ segment: number; sinceMs: number }>;
  demands: { segment: number; atMs: number }[];
  touches: Set<number>;
};

export function createRunHandle(spec: RunSpec, uid: string): RunHandle {
  return {
    spec,
    uid,
    key: runKey(spec.infoHash, spec.fileIndex, spec.rendition.id),
    isOurs: false,
    status: undefined,
    delivered: spec.startSegment,
    until: spec.until,
    // Sound needs no slot; a picture has one when it is given one, or every new run would pass the longest waiter.
    hasSlot: spec.rendition.kind !== 'video',
    partsAtSlot: 0,
    waiters: new Set(),
    demands: [],
    touches: new Set(),
  };
}

export function runKey(infoHash: InfoHash, fileIndex: number, renditionId: string): string {
  return `${infoHash}/${fileIndex}/${renditionId}`;
}

/** A request for a segment of this run came; it waits until what is returned is called. */
export function addWaiter(handle: RunHandle, segment: number, nowMs: number): () => void {
  const waiter = { segment, sinceMs: nowMs };
  handle.isOurs = true;
  handle.waiters.add(waiter);
  noteDemand(handle, segment, nowMs);
  return () => handle.waiters.delete(waiter);
}

export function noteDemand(handle: RunHandle, segment: number, nowMs: number): void {
  handle.isOurs = true;
  handle.demands = [...handle.demands.filter((demand) => nowMs - demand.atMs < DEMAND_WINDOW_MS), { segment, atMs: nowMs }].slice(
    -64,
  );
}

/** A segment of this run has come whole; it makes them in order. */
export function noteDelivered(handle: RunHandle, segment: number): void {
  handle.delivered = Math.max(handle.delivered, segment + 1);
}

export function isMaking(handle: RunHandle): boolean {
  return handle.status?.phase !== 'ended';
}

export function viewRun(handle: RunHandle): RunView {
  const { spec, status } = handle;
  const nextSegment = Math.max(status?.nextSegment ?? spec.startSegment, handle.delivered);
  const { partsPerSegment } = spec.rendition.timeline;
  return {
    name: spec.name,
    startSegment: spec.startSegment,
    until: handle.until ?? lastOf(spec.rendition) + 1,
    nextSegment,
    partsOfNext: Math.max(0, (status?.partsMade ?? 0) - (nextSegment - spec.startSegment) * partsPerSegment),
    heldSegments: new Set(status?.heldSegments ?? []),
    isMaking: isMaking(handle),
    speed: status?.speed ?? 0,
  };
}

export function claimSlot(handle: RunHandle): SlotClaim {
  const waiting = [...handle.waiters].map((waiter) => waiter.sinceMs);
  return {
    name: handle.spec.name,
    waitingSinceMs: waiting.length > 0 ? Math.min(...waiting) : null,
    hasSlot: handle.hasSlot,
    partsSinceSlot: (handle.status?.partsMade ?? 0) - handle.partsAtSlot,
    lastDemandAtMs: handle.demands.at(-1)?.atMs ?? 0,
  };
}

/** The orders for now; what was touched since the last is in them once. */
export function buildOrders(handle: RunHandle, from: string, source: RunOrders['source']): RunOrders {
  const { rendition, startSegment } = handle.spec;
  const waiting = [...handle.waiters].map((waiter) => waiter.segment);
  const touch = [...handle.touches];
  handle.touches.clear();
  return {
    from,
    until: handle.until,
    demand: Math.max(startSegment, ...handle.demands.map((demand) => demand.segment)),
    hasSlot: handle.hasSlot,
    heldSeconds: waiting.length > 0 ? segmentStartSeconds(rendition.timeline, Math.min(...waiting)) : null,
    touch,
    source,
  };
}

function lastOf(rendition: Rendition): number {
  return rendition.timeline.segmentCount - 1;
}
