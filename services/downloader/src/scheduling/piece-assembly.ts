import { createHash } from 'node:crypto';
import { BLOCK_BYTES, blockCountOf, blockLengthAt } from './block.ts';
import type { WireId } from './piece-progress.ts';

/** Up to here a hash is made at once (1 ms per MiB); larger pieces are hashed beside the event loop. */
const INLINE_HASH_BYTES = 2 * 1024 * 1024;
/** Failed copies that are kept to find out who lied. */
const EVIDENCE_MAX = 4;

export type FinishedPiece =
  | { isRight: true; bytes: Buffer; liars: WireId[] }
  /** `soleSender`: the only wire that sent of it, and so the one to blame; null when it was several. */
  | { isRight: false; senders: WireId[]; soleSender: WireId | null };

type Assembly = { bytes: Buffer; senders: (WireId | undefined)[] };

/**
 * Blocks → verified pieces. Each block is copied at once into one buffer of its piece: the network's own buffers are
 * larger and would be kept alive by it. Remembers which wire sent which block; when a piece was wrong and a later copy
 * is right, the blocks that differ name the liars.
 */
export function createPieceAssembly(pieceLengthOf: (pieceIndex: number) => number, pieceHashes: Uint8Array) {
  const assemblies = new Map<number, Assembly>();
  const evidence = new Map<number, Assembly>();

  return {
    write(pieceIndex: number, offset: number, block: Uint8Array, sender: WireId): void {
      let assembly = assemblies.get(pieceIndex);
      if (!assembly) {
        const lengthBytes = pieceLengthOf(pieceIndex);
        assembly = { bytes: Buffer.allocUnsafeSlow(lengthBytes), senders: new Array(blockCountOf(lengthBytes)) };
        assemblies.set(pieceIndex, assembly);
      }
      assembly.bytes.set(block, offset);
      assembly.senders[offset / BLOCK_BYTES] = sender;
    },

    drop(pieceIndex: number): void {
      assemblies.delete(pieceIndex);
    },

    /** Hashes a piece whose blocks are all here. */
    async finish(pieceIndex: number): Promise<FinishedPiece> {
      const assembly = assemblies.get(pieceIndex);
      if (!assembly) return { isRight: false, senders: [], soleSender: null };
      assemblies.delete(pieceIndex);
      const isRight = await isPieceRight(assembly.bytes, pieceIndex, pieceHashes);
      if (isRight) {
        const liars = findLiars(evidence.get(pieceIndex), assembly);
        evidence.delete(pieceIndex);
        return { isRight, bytes: assembly.bytes, liars };
      }
      const senders = [...new Set(assembly.senders)].filter((sender) => sender !== undefined);
      evidence.set(pieceIndex, assembly);
      if (evidence.size > EVIDENCE_MAX) evidence.delete(evidence.keys().next().value as number);
      return { isRight, senders, soleSender: senders.length === 1 ? (senders[0] as WireId) : null };
    },
  };
}

/** Compares with the SHA-1 in the torrent (BEP 3). */
export async function isPieceRight(bytes: Uint8Array, pieceIndex: number, pieceHashes: Uint8Array): Promise<boolean> {
  const expected = pieceHashes.subarray(pieceIndex * 20, pieceIndex * 20 + 20);
  const actual =
    bytes.length <= INLINE_HASH_BYTES
      ? createHash('sha1').update(bytes).digest()
      : new Uint8Array(await crypto.subtle.digest('SHA-1', bytes as Uint8Array<ArrayBuffer>));
  return Buffer.compare(actual, expected) === 0;
}

function findLiars(wrong: Assembly | undefined, right: Assembly): WireId[] {
  if (!wrong) return [];
  const liars = new Set<WireId>();
  for (const [blockIndex, sender] of wrong.senders.entries()) {
    const start = blockIndex * BLOCK_BYTES;
    const end = start + blockLengthAt(blockIndex, right.bytes.length);
    if (sender !== undefined && wrong.bytes.compare(right.bytes, start, end, start, end) !== 0) liars.add(sender);
  }
  return [...liars];
}
