import { BLOCK_BYTES, blockLengthAt } from './block.ts';
import { type Command, createProgress, type Progress, type Request, toCommand, type WireId } from './piece-progress.ts';
import { createWireMeter, type WireMeter } from './wire-meter.ts';

/** What the scheduler may ask about a wire; the adapter answers from the real one. */
export type SchedulerWire = {
  hasPiece(pieceIndex: number): boolean;
  /** How many requests the peer queues (`reqq` of its extended handshake). */
  maxRequests(): number;
};

/** A block of an urgent piece that is older than this is asked for once more, of a wire that would be sooner. */
const LATE_MS = 400;
const LATE_GAIN = 0.7;
/** Copies of one request that may be under way. */
const LATE_COPIES = 3;
/** An urgent block rather waits for the best wire than goes to one that takes so much longer. */
const URGENT_PATIENCE = 1.5;
/** A piece that a wire refused is not asked of it again for so long. */
const REFUSED_MS = 3000;
/** Half-fetched pieces that nobody wants any more are kept up to so many bytes: seeking back is common. */
const KEPT_PARTIAL_BYTES = 32 * 1024 * 1024;

type Wire = {
  id: WireId;
  view: SchedulerWire;
  meter: WireMeter;
  isUnchoked: boolean;
  /** `piece:block` of what it owes us. */
  owed: Set<number>;
  refusedUntil: Map<number, number>;
};

export type BlockOutcome = {
  /** False: a copy, or nothing that we want; its bytes are not to be kept. */
  isFresh: boolean;
  isComplete: boolean;
  commands: Command[];
};

export type PieceScheduler = ReturnType<typeof createPieceScheduler>;

/**
 * Decides which block is asked of which wire (webtorrent.md §4.4). It has no clock, no sockets and no bytes: events and
 * the time come in, commands go out, and the same events give the same commands.
 *
 * Invariants: a block is asked of one wire, or of more only when it is urgent and late; nothing is asked that is not in
 * the order; what leaves the order is cancelled in the same call.
 */
export function createPieceScheduler(pieceLengthOf: (pieceIndex: number) => number, blocksPerPiece: number) {
  const wires = new Map<WireId, Wire>();
  const pieces = new Map<number, Progress>();
  let order: readonly number[] = [];
  let wanted = new Set<number>();
  let urgentCount = 0;

  const keyOf = (pieceIndex: number, blockIndex: number) => pieceIndex * blocksPerPiece + blockIndex;

  function addWire(id: WireId, view: SchedulerWire): void {
    wires.set(id, { id, view, meter: createWireMeter(), isUnchoked: false, owed: new Set(), refusedUntil: new Map() });
  }

  function removeWire(id: WireId): void {
    const wire = wires.get(id);
    if (!wire) return;
    wires.delete(id);
    releaseAll(wire);
    for (const progress of pieces.values()) if (progress.soleWire === id) progress.soleWire = null;
  }

  function setUnchoked(id: WireId, isUnchoked: boolean): void {
    const wire = wires.get(id);
    if (!wire) return;
    wire.isUnchoked = isUnchoked;
    // A choke withdraws what was asked for (BEP 3); a peer with the fast extension says so block by block, or never.
    if (!isUnchoked) releaseAll(wire);
  }

  /** Replaces the order. Returns the cancels of what nobody wants any more, and the pieces whose bytes may be dropped. */
  function setOrder(next: readonly number[], nextUrgentCount: number): { commands: Command[]; dropped: number[] } {
    order = next;
    urgentCount = nextUrgentCount;
    wanted = new Set(next);
    const commands: Command[] = [];
    const dropped: number[] = [];
    let keptBytes = 0;
    for (const progress of [...pieces.values()].reverse()) {
      if (wanted.has(progress.pieceIndex)) continue;
      for (const blockIndex of [...progress.requests.keys()]) cancelAll(progress, blockIndex, commands);
      keptBytes += progress.lengthBytes;
      if (progress.receivedCount > 0 && keptBytes <= KEPT_PARTIAL_BYTES) continue;
      pieces.delete(progress.pieceIndex);
      dropped.push(progress.pieceIndex);
    }
    return { commands, dropped };
  }

  /** What to ask for now: blocks in order, each of the wire that would have it here first. */
  function plan(now: number): Command[] {
    const commands: Command[] = [];
    const provenCount = [...wires.values()].filter((wire) => wire.isUnchoked && wire.meter.isProven()).length;
    const room = new Map<WireId, number>();
    let total = 0;
    for (const wire of wires.values()) {
      if (!wire.isUnchoked) continue;
      const isAnotherProven = provenCount > (wire.meter.isProven() ? 1 : 0);
      const free = wire.meter.depth(isAnotherProven, wire.view.maxRequests()) - wire.owed.size;
      room.set(wire.id, Math.max(free, 0));
      total += Math.max(free, 0);
    }
    for (const [rank, pieceIndex] of order.entries()) {
      if (total === 0) break;
      const progress = ensureProgress(pieceIndex);
      if (progress.unaskedCount === 0) continue;
      const able = [...wires.values()].filter((wire) => canServe(wire, progress, now));
      if (able.length === 0) continue;
      for (let blockIndex = 0; blockIndex < progress.blockCount && progress.unaskedCount > 0; blockIndex++) {
        if (progress.isReceived[blockIndex] === 1 || progress.requests.has(blockIndex)) continue;
        const wire = pickWire(able, room, rank < urgentCount, now);
        if (!wire) break;
        commands.push(request(progress, blockIndex, wire, now));
        room.set(wire.id, (room.get(wire.id) as number) - 1);
        total -= 1;
      }
    }
    return commands;
  }

  /** Second requests for urgent blocks that are late; call it about every 100 ms. */
  function planLate(now: number): Command[] {
    const commands: Command[] = [];
    for (const pieceIndex of order.slice(0, urgentCount)) {
      const progress = pieces.get(pieceIndex);
      if (!progress || progress.soleWire !== null) continue;
      for (const [blockIndex, requests] of progress.requests) {
        const latest = requests.at(-1) as Request;
        if (now - latest.at < LATE_MS || requests.length >= LATE_COPIES) continue;
        const expectedMs = Math.min(...requests.map((each) => etaOf(each.wireId, now)));
        const better = pickLateWire(progress, requests, expectedMs * LATE_GAIN, now);
        if (better) commands.push(request(progress, blockIndex, better, now));
      }
    }
    return commands;
  }

  /** A block came, asked for or not. */
  function blockReceived(id: WireId, pieceIndex: number, offset: number, lengthBytes: number, now: number): BlockOutcome {
    const stale: BlockOutcome = { isFresh: false, isComplete: false, commands: [] };
    const blockIndex = offset / BLOCK_BYTES;
    const wire = wires.get(id);
    const wasOwed = wire?.owed.delete(keyOf(pieceIndex, blockIndex)) ?? false;
    if (wasOwed) wire?.meter.received(now, lengthBytes, wire.owed.size);
    const progress = pieces.get(pieceIndex);
    if (!progress || !Number.isInteger(blockIndex) || blockIndex < 0 || blockIndex >= progress.blockCount) return stale;
    if (lengthBytes !== blockLengthAt(blockIndex, progress.lengthBytes) || progress.isReceived[blockIndex] === 1) return stale;
    if (progress.soleWire !== null && progress.soleWire !== id) return stale;

    const commands: Command[] = [];
    if (progress.requests.has(blockIndex)) cancelAll(progress, blockIndex, commands, id);
    progress.unaskedCount -= 1;
    progress.isReceived[blockIndex] = 1;
    progress.receivedCount += 1;
    return { isFresh: true, isComplete: progress.receivedCount === progress.blockCount, commands };
  }

  /** A wire refused a block, or the request ended without it. */
  function requestFailed(id: WireId, pieceIndex: number, offset: number, now: number): void {
    const wire = wires.get(id);
    const blockIndex = offset / BLOCK_BYTES;
    if (!wire?.owed.has(keyOf(pieceIndex, blockIndex))) return;
    wire.refusedUntil.set(pieceIndex, now + REFUSED_MS);
    const progress = pieces.get(pieceIndex);
    if (progress) release(progress, blockIndex, wire);
    else wire.owed.delete(keyOf(pieceIndex, blockIndex));
    if (wire.owed.size === 0) wire.meter.idle();
  }

  /** The piece is whole and right, or otherwise no longer to be fetched. */
  function forgetPiece(pieceIndex: number): Command[] {
    const commands: Command[] = [];
    const progress = pieces.get(pieceIndex);
    if (progress) for (const blockIndex of [...progress.requests.keys()]) cancelAll(progress, blockIndex, commands);
    pieces.delete(pieceIndex);
    return commands;
  }

  /** The piece was whole and wrong: it is fetched again, from one wire alone if there is one. */
  function restartPiece(pieceIndex: number, soleWire: WireId | null): void {
    pieces.delete(pieceIndex);
    ensureProgress(pieceIndex).soleWire = soleWire !== null && wires.has(soleWire) ? soleWire : null;
  }

  function ensureProgress(pieceIndex: number): Progress {
    const known = pieces.get(pieceIndex);
    if (known) return known;
    const progress = createProgress(pieceIndex, pieceLengthOf(pieceIndex));
    pieces.set(pieceIndex, progress);
    return progress;
  }

  function canServe(wire: Wire, progress: Progress, now: number): boolean {
    if (!wire.isUnchoked || !wire.view.hasPiece(progress.pieceIndex)) return false;
    if (progress.soleWire !== null && progress.soleWire !== wire.id) return false;
    return (wire.refusedUntil.get(progress.pieceIndex) ?? 0) <= now;
  }

  function pickWire(able: readonly Wire[], room: ReadonlyMap<WireId, number>, isUrgent: boolean, now: number): Wire | null {
    let best: Wire | null = null;
    let bestMs = Number.POSITIVE_INFINITY;
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const wire of able) {
      const ms = wire.meter.etaMs(now, wire.owed.size);
      soonestMs = Math.min(soonestMs, ms);
      if ((room.get(wire.id) ?? 0) > 0 && ms < bestMs) {
        best = wire;
        bestMs = ms;
      }
    }
    return isUrgent && bestMs > soonestMs * URGENT_PATIENCE ? null : best;
  }

  function pickLateWire(progress: Progress, requests: readonly Request[], withinMs: number, now: number): Wire | null {
    let best: Wire | null = null;
    let bestMs = withinMs;
    for (const wire of wires.values()) {
      if (!canServe(wire, progress, now) || requests.some((each) => each.wireId === wire.id)) continue;
      const ms = wire.meter.etaMs(now, wire.owed.size);
      if (ms < bestMs) {
        best = wire;
        bestMs = ms;
      }
    }
    return best;
  }

  function etaOf(id: WireId, now: number): number {
    const wire = wires.get(id);
    return wire ? wire.meter.etaMs(now, wire.owed.size) : Number.POSITIVE_INFINITY;
  }

  function request(progress: Progress, blockIndex: number, wire: Wire, now: number): Command {
    const requests = progress.requests.get(blockIndex);
    if (requests) requests.push({ wireId: wire.id, at: now });
    else {
      progress.requests.set(blockIndex, [{ wireId: wire.id, at: now }]);
      progress.unaskedCount -= 1;
    }
    wire.owed.add(keyOf(progress.pieceIndex, blockIndex));
    wire.meter.requested(now);
    return toCommand('request', wire.id, progress, blockIndex);
  }

  /** Ends all requests of a block; the wires that still owe it are told, but for the one that has just sent it. */
  function cancelAll(progress: Progress, blockIndex: number, commands: Command[], sender?: WireId): void {
    for (const { wireId } of progress.requests.get(blockIndex) ?? []) {
      const wire = wires.get(wireId);
      if (!wire?.owed.delete(keyOf(progress.pieceIndex, blockIndex)) || wireId === sender) continue;
      commands.push(toCommand('cancel', wireId, progress, blockIndex));
      if (wire.owed.size === 0) wire.meter.idle();
    }
    if (progress.requests.delete(blockIndex)) progress.unaskedCount += 1;
  }

  function release(progress: Progress, blockIndex: number, wire: Wire): void {
    wire.owed.delete(keyOf(progress.pieceIndex, blockIndex));
    const rest = progress.requests.get(blockIndex)?.filter((each) => each.wireId !== wire.id) ?? [];
    if (rest.length > 0) progress.requests.set(blockIndex, rest);
    else if (progress.requests.delete(blockIndex)) progress.unaskedCount += 1;
  }

  function releaseAll(wire: Wire): void {
    for (const key of [...wire.owed]) {
      const progress = pieces.get(Math.floor(key / blocksPerPiece));
      if (progress) release(progress, key % blocksPerPiece, wire);
    }
    wire.owed.clear();
    wire.meter.idle();
  }

  return { addWire, removeWire, setUnchoked, setOrder, plan, planLate, blockReceived, requestFailed, forgetPiece, restartPiece };
}
