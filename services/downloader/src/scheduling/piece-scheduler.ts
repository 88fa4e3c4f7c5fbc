import { BLOCK_BYTES, blockLengthAt } from './block.ts';
import { createOpenPieces } from './open-pieces.ts';
import {
  type Command,
  discardBlocksOf,
  isWhole,
  markReceived,
  type Progress,
  type Request,
  toCommand,
  type WireId,
} from './piece-progress.ts';
import { canServe, measureRoom, pickLateWire, pickWire, type SchedulerWire, type Wire } from './wire-choice.ts';
import { createWireMeter } from './wire-meter.ts';

export type { SchedulerWire } from './wire-choice.ts';

/** Buffers of all pieces that are not yet on the disk: six of 16 MiB, the largest common size (webtorrent.md §11.3). */
export const OPEN_BYTES_MAX = 96 * 1024 * 1024;
/** A block of an urgent piece that is older than this is asked for once more, of a wire that would be sooner. */
const LATE_MS = 400;
const LATE_GAIN = 0.7;
/** Copies of one request that may be under way. */
const LATE_COPIES = 3;
/** A piece that a wire refused is not asked of it again for so long. */
const REFUSED_MS = 3000;
/** A piece that is fetched from one wire alone is given to all when nothing of it came for so long, or it takes so long as a whole. */
const SOLE_PATIENCE_MS = 1500;
const SOLE_MAX_MS = 3000;
/** A wire that may have lied is asked for nothing until the proof is here, at most so long. */
const SUSPECT_MS = 5000;

export type BlockOutcome = {
  /** False: a copy, or nothing that we want; its bytes are not to be kept. */
  isFresh: boolean;
  isComplete: boolean;
  commands: Command[];
};

/** What to say to the wires, and the pieces whose bytes may be dropped. */
export type Plan = { commands: Command[]; dropped: number[] };

export type PieceScheduler = ReturnType<typeof createPieceScheduler>;

/**
 * Decides which block is asked of which wire (webtorrent.md §4.4). It has no clock, no sockets and no bytes: events and
 * the time come in, commands go out, and the same events give the same commands.
 *
 * Invariants: a block is asked of one wire, or of more only when it is urgent and late; nothing is asked that is not in
 * the order; what leaves the order is cancelled in the same call; the pieces that need a buffer stay within
 * `openBytesMax`.
 */
export function createPieceScheduler(
  pieceLengthOf: (pieceIndex: number) => number,
  blocksPerPiece: number,
  openBytesMax = OPEN_BYTES_MAX,
) {
  const wires = new Map<WireId, Wire>();
  const pieces = createOpenPieces(pieceLengthOf, openBytesMax);
  let order: readonly number[] = [];
  let ranks = new Map<number, number>();
  let urgentCount = 0;

  const keyOf = (pieceIndex: number, blockIndex: number) => pieceIndex * blocksPerPiece + blockIndex;

  function addWire(id: WireId, view: SchedulerWire): void {
    const meter = createWireMeter();
    wires.set(id, { id, view, meter, isUnchoked: false, owed: new Set(), refusedUntil: new Map(), suspectUntil: 0 });
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

  /** Replaces the order; what nobody wants any more is cancelled. */
  function setOrder(next: readonly number[], nextUrgentCount: number): Plan {
    order = next;
    urgentCount = nextUrgentCount;
    ranks = new Map(next.map((pieceIndex, rank) => [pieceIndex, rank]));
    const plan: Plan = { commands: [], dropped: [] };
    for (const progress of pieces.values())
      if (!ranks.has(progress.pieceIndex))
        for (const blockIndex of [...progress.requests.keys()]) cancelAll(progress, blockIndex, plan.commands);
    for (const progress of pieces.listStale((pieceIndex) => ranks.has(pieceIndex))) dropPiece(progress, plan);
    return plan;
  }

  /** What to ask for now: blocks in order, each of the wire that would have it here first. */
  function plan(now: number): Plan {
    const result: Plan = { commands: [], dropped: [] };
    const room = measureRoom(wires.values(), now);
    let total = 0;
    for (const free of room.values()) total += free;
    for (const [rank, pieceIndex] of order.entries()) {
      if (total === 0) break;
      const known = pieces.get(pieceIndex);
      if (known?.unaskedCount === 0) continue;
      if (known) forgetSlowSoleWire(known, now, result.commands);
      const able = [...wires.values()].filter((wire) => canServe(wire, pieceIndex, known?.soleWire ?? null, now));
      if (!able.some((wire) => room.has(wire.id))) continue;
      const progress = known ?? openPiece(pieceIndex, rank, now, result);
      if (!progress) continue;
      for (let blockIndex = 0; blockIndex < progress.blockCount && progress.unaskedCount > 0; blockIndex++) {
        if (progress.senders[blockIndex] !== undefined || progress.requests.has(blockIndex)) continue;
        const wire = pickWire(able, room, rank < urgentCount, now);
        if (!wire) break;
        result.commands.push(request(progress, blockIndex, wire, now));
        total -= 1;
        const free = (room.get(wire.id) as number) - 1;
        if (free > 0) room.set(wire.id, free);
        else room.delete(wire.id);
      }
    }
    return result;
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
        const others = [...wires.values()].filter(
          (wire) => canServe(wire, pieceIndex, null, now) && !requests.some((each) => each.wireId === wire.id),
        );
        const better = pickLateWire(others, expectedMs * LATE_GAIN, now);
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
    if (lengthBytes !== blockLengthAt(blockIndex, progress.lengthBytes) || progress.senders[blockIndex] !== undefined)
      return stale;
    if ((progress.soleWire ?? id) !== id || !wire || wire.suspectUntil > now) return stale;

    const commands: Command[] = [];
    if (progress.requests.has(blockIndex)) cancelAll(progress, blockIndex, commands, id);
    markReceived(progress, blockIndex, id, now);
    return { isFresh: true, isComplete: isWhole(progress), commands };
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
    const progress = pieces.get(pieceIndex);
    const result: Plan = { commands: [], dropped: [] };
    if (progress) dropPiece(progress, result);
    return result.commands;
  }

  /**
   * The piece was whole and wrong: it is fetched again, from the witness alone if there is one. Until that is whole the
   * suspects are asked for nothing, and what they sent of other pieces does not count.
   */
  function restartPiece(pieceIndex: number, witness: WireId | null, suspects: readonly WireId[], now: number): Command[] {
    const commands = forgetPiece(pieceIndex);
    commands.push(...distrust(suspects, now + SUSPECT_MS));
    if (witness === null) return commands;
    acquit([witness]);
    if (ranks.has(pieceIndex) && wires.has(witness)) pieces.open(pieceIndex, now).soleWire = witness;
    return commands;
  }

  /** Nothing is asked of these wires until then, and what they have sent of unfinished pieces is fetched again. */
  function distrust(wireIds: readonly WireId[], until: number): Command[] {
    const commands: Command[] = [];
    for (const id of wireIds) {
      const wire = wires.get(id);
      if (!wire) continue;
      wire.suspectUntil = until;
      commands.push(...withdrawAll(wire));
    }
    const distrusted = new Set(wireIds);
    for (const progress of pieces.values()) if (!isWhole(progress)) discardBlocksOf(progress, distrusted);
    return commands;
  }

  /** It has lied: whether it is still there or not, nothing of it counts any more. */
  function exclude(id: WireId): Command[] {
    return distrust([id], Number.POSITIVE_INFINITY);
  }

  /** It is known who lied; these did not. */
  function acquit(wireIds: readonly WireId[]): void {
    for (const id of wireIds) {
      const wire = wires.get(id);
      if (wire) wire.suspectUntil = 0;
    }
  }

  /** Null while there is no room: what nobody wants or can give makes room, and for an urgent piece what is behind it. */
  function openPiece(pieceIndex: number, rank: number, now: number, result: Plan): Progress | null {
    const isUrgent = rank < urgentCount;
    const victims = pieces.planRoom(pieceIndex, (other) => {
      const otherRank = ranks.get(other.pieceIndex);
      if (otherRank === undefined) return 0;
      const isStuck = ![...wires.values()].some((wire) => canServe(wire, other.pieceIndex, other.soleWire, now));
      if (isStuck && other.requests.size === 0) return 1;
      return isUrgent && otherRank > rank ? 1 + 1 / otherRank : null;
    });
    for (const victim of victims ?? []) dropPiece(victim, result);
    return victims && pieces.open(pieceIndex, now);
  }

  function dropPiece(progress: Progress, result: Plan): void {
    for (const blockIndex of [...progress.requests.keys()]) cancelAll(progress, blockIndex, result.commands);
    pieces.close(progress.pieceIndex);
    result.dropped.push(progress.pieceIndex);
  }

  /** Being asked alone is a chance to be believed, not to hold the piece up. */
  function forgetSlowSoleWire(progress: Progress, now: number, commands: Command[]): void {
    if (progress.soleWire === null) return;
    if (now - progress.movedAt < SOLE_PATIENCE_MS && now - progress.openedAt < SOLE_MAX_MS) return;
    progress.soleWire = null;
    for (const blockIndex of [...progress.requests.keys()]) cancelAll(progress, blockIndex, commands);
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

  /** Its requests go back; what is still on its way is cancelled. */
  function withdrawAll(wire: Wire): Command[] {
    const commands = [...wire.owed].flatMap((key) => {
      const progress = pieces.get(Math.floor(key / blocksPerPiece));
      return progress ? [toCommand('cancel', wire.id, progress, key % blocksPerPiece)] : [];
    });
    releaseAll(wire);
    return commands;
  }

  function releaseAll(wire: Wire): void {
    for (const key of [...wire.owed]) {
      const progress = pieces.get(Math.floor(key / blocksPerPiece));
      if (progress) release(progress, key % blocksPerPiece, wire);
    }
    wire.owed.clear();
    wire.meter.idle();
  }

  return {
    addWire,
    removeWire,
    setUnchoked,
    setOrder,
    plan,
    planLate,
    blockReceived,
    requestFailed,
    forgetPiece,
    restartPiece,
    exclude,
    acquit,
    rateOf: (id: WireId) => wires.get(id)?.meter.rate() ?? 0,
    /** What the wires that pause want to have been asked for before they do. */
    pauseBytes: () => [...wires.values()].reduce((sum, wire) => sum + wire.meter.pauseDepth() * BLOCK_BYTES, 0),
    openBytes: () => pieces.bytes(),
  };
}
