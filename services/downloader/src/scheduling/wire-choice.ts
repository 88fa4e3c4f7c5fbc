import type { WireId } from './piece-progress.ts';
import type { WireMeter } from './wire-meter.ts';

/** What the scheduler may ask about a wire; the adapter answers from the real one. */
export type SchedulerWire = {
  hasPiece(pieceIndex: number): boolean;
  /** How many requests the peer queues (`reqq` of its extended handshake). */
  maxRequests(): number;
};

/** A wire as the scheduler knows it. */
export type Wire = {
  id: WireId;
  view: SchedulerWire;
  meter: WireMeter;
  isUnchoked: boolean;
  /** `piece:block` of what it owes us. */
  owed: Set<number>;
  refusedUntil: Map<number, number>;
  /** It may have lied: nothing is asked of it, and nothing it says counts. */
  suspectUntil: number;
};

/** An urgent block rather waits for the best wire than goes to one that takes so much longer. */
const URGENT_PATIENCE = 1.5;

/** Wires that have proven nothing share a full queue while none has, and get little beside a good one. */
const UNPROVEN_ALONE = 64;
const UNPROVEN_MIN = 16;
const UNPROVEN_BESIDE_PROVEN = 4;

/** Whether the piece can be asked of it; `soleWire` is the only one that may be asked, if there is one. */
export function canServe(wire: Wire, pieceIndex: number, soleWire: WireId | null, now: number): boolean {
  if (!wire.isUnchoked || wire.suspectUntil > now || !wire.view.hasPiece(pieceIndex)) return false;
  return (soleWire ?? wire.id) === wire.id && (wire.refusedUntil.get(pieceIndex) ?? 0) <= now;
}

/** Free places in the queues of the wires that have some. */
export function measureRoom(wires: Iterable<Wire>, now: number): Map<WireId, number> {
  const usable = [...wires].filter((wire) => wire.isUnchoked && wire.suspectUntil <= now);
  const hasProven = usable.some((wire) => wire.meter.isProven());
  const unprovenDepth = hasProven
    ? UNPROVEN_BESIDE_PROVEN
    : Math.max(Math.floor(UNPROVEN_ALONE / Math.max(usable.length, 1)), UNPROVEN_MIN);
  const room = new Map<WireId, number>();
  for (const wire of usable) {
    const free = wire.meter.depth(unprovenDepth, wire.view.maxRequests()) - wire.owed.size;
    if (free > 0) room.set(wire.id, free);
  }
  return room;
}

/** Of these the wire with room that would have the next block here first. */
export function pickWire(able: readonly Wire[], room: ReadonlyMap<WireId, number>, isUrgent: boolean, now: number): Wire | null {
  let best: Wire | null = null;
  let bestMs = Number.POSITIVE_INFINITY;
  let soonestMs = Number.POSITIVE_INFINITY;
  for (const wire of able) {
    const ms = wire.meter.etaMs(now, wire.owed.size);
    soonestMs = Math.min(soonestMs, ms);
    if (room.has(wire.id) && ms < bestMs) {
      best = wire;
      bestMs = ms;
    }
  }
  return isUrgent && bestMs > soonestMs * URGENT_PATIENCE ? null : best;
}

/** A wire that would have a block here within the time, the soonest; whether it has room does not matter. */
export function pickLateWire(wires: Iterable<Wire>, withinMs: number, now: number): Wire | null {
  let best: Wire | null = null;
  let bestMs = withinMs;
  for (const wire of wires) {
    const ms = wire.meter.etaMs(now, wire.owed.size);
    if (ms < bestMs) {
      best = wire;
      bestMs = ms;
    }
  }
  return best;
}
