import { BLOCK_BYTES, blockCountOf, blockLengthAt } from './block.ts';

export type WireId = number;

/** What is to be said to a wire. */
export type Command = { kind: 'request' | 'cancel'; wireId: WireId; pieceIndex: number; offset: number; lengthBytes: number };

export type Request = { wireId: WireId; at: number };

/** One piece in the block table: what is here and from whom, and what was asked of whom. */
export type Progress = {
  pieceIndex: number;
  lengthBytes: number;
  blockCount: number;
  /** Who sent each block that is here. */
  senders: (WireId | undefined)[];
  receivedCount: number;
  /** Blocks neither here nor asked for. */
  unaskedCount: number;
  requests: Map<number, Request[]>;
  /** After a bad piece: all blocks from this wire, so that it can be told who lied. */
  soleWire: WireId | null;
  openedAt: number;
  /** When it was opened, or its last block came. */
  movedAt: number;
};

export function createProgress(pieceIndex: number, lengthBytes: number, now: number): Progress {
  const blockCount = blockCountOf(lengthBytes);
  return {
    pieceIndex,
    lengthBytes,
    blockCount,
    senders: new Array(blockCount).fill(undefined),
    receivedCount: 0,
    unaskedCount: blockCount,
    requests: new Map(),
    soleWire: null,
    openedAt: now,
    movedAt: now,
  };
}

export function isWhole(progress: Progress): boolean {
  return progress.receivedCount === progress.blockCount;
}

/** The block is here, and asked of nobody. */
export function markReceived(progress: Progress, blockIndex: number, sender: WireId, now: number): void {
  progress.senders[blockIndex] = sender;
  progress.unaskedCount -= 1;
  progress.receivedCount += 1;
  progress.movedAt = now;
}

/** Blocks that these wires sent are to be fetched again. */
export function discardBlocksOf(progress: Progress, wireIds: ReadonlySet<WireId>): void {
  for (const [blockIndex, sender] of progress.senders.entries()) {
    if (sender === undefined || !wireIds.has(sender)) continue;
    progress.senders[blockIndex] = undefined;
    progress.receivedCount -= 1;
    progress.unaskedCount += 1;
  }
}

export function toCommand(kind: Command['kind'], wireId: WireId, progress: Progress, blockIndex: number): Command {
  const lengthBytes = blockLengthAt(blockIndex, progress.lengthBytes);
  return { kind, wireId, pieceIndex: progress.pieceIndex, offset: blockIndex * BLOCK_BYTES, lengthBytes };
}
