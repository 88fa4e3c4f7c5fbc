import { BLOCK_BYTES, blockCountOf, blockLengthAt } from './block.ts';

export type WireId = number;

/** What is to be said to a wire. */
export type Command = { kind: 'request' | 'cancel'; wireId: WireId; pieceIndex: number; offset: number; lengthBytes: number };

export type Request = { wireId: WireId; at: number };

/** One piece in the block table: what is here, and what was asked of whom. */
export type Progress = {
  pieceIndex: number;
  lengthBytes: number;
  blockCount: number;
  isReceived: Uint8Array;
  receivedCount: number;
  /** Blocks neither here nor asked for. */
  unaskedCount: number;
  requests: Map<number, Request[]>;
  /** After a bad piece: all blocks from this wire, so that it can be told who lied. */
  soleWire: WireId | null;
};

export function createProgress(pieceIndex: number, lengthBytes: number): Progress {
  const blockCount = blockCountOf(lengthBytes);
  return {
    pieceIndex,
    lengthBytes,
    blockCount,
    isReceived: new Uint8Array(blockCount),
    receivedCount: 0,
    unaskedCount: blockCount,
    requests: new Map(),
    soleWire: null,
  };
}

export function toCommand(kind: Command['kind'], wireId: WireId, progress: Progress, blockIndex: number): Command {
  const lengthBytes = blockLengthAt(blockIndex, progress.lengthBytes);
  return { kind, wireId, pieceIndex: progress.pieceIndex, offset: blockIndex * BLOCK_BYTES, lengthBytes };
}
