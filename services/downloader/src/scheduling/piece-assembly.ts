import { createHash } from 'node:crypto';
import { BLOCK_BYTES, blockCountOf, blockLengthAt } from './block.ts';
import type { WireId } from './piece-progress.ts';

/** Up to here a hash is made at once (1 ms per MiB); larger pieces are hashed beside the event loop. */
const INLINE_HASH_BYTES = 2 * 1024 * 1024;
/** Wrong pieces that are remembered to find out who lied: 20 bytes a block, 80 KiB for the largest piece. */
const EVIDENCE_MAX = 64;
/** And of one piece so many wrong copies. */
const COPIES_MAX = 4;

export type FinishedPiece =
  /** `acquitted` had a part in an earlier, wrong copy, and sent what was right. */
  | { isRight: true; bytes: Buffer; senders: WireId[]; liars: WireId[]; acquitted: WireId[] }
  /** `senders` of this copy and of wrong ones before; `soleSender` is who sent all of it, and so lied; null when it was several. */
  | { isRight: false; senders: WireId[]; soleSender: WireId | null };

type Assembly = { bytes: Buffer; senders: (WireId | undefined)[] };
/** What is kept of a wrong piece: who sent each block, and its hash. */
type Evidence = { sender: WireId | undefined; hash: Buffer }[];

/**
 * Blocks → verified pieces. Each block is copied at once into one buffer of its piece: the network's own buffers are
 * larger and would be kept alive by it. Remembers which wire sent which block; when a piece was wrong and a later copy
 * is right, the blocks that differ name the liars, and nobody else is blamed.
 */
export function createPieceAssembly(pieceLengthOf: (pieceIndex: number) => number, pieceHashes: Uint8Array) {
  const assemblies = new Map<number, Assembly>();
  const evidence = new Map<number, Evidence[]>();

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
      const senders = sendersOf(assembly.senders.map((sender) => ({ sender })));
      if (isRight) {
        const suspects = judge(evidence.get(pieceIndex) ?? [], assembly);
        evidence.delete(pieceIndex);
        return { isRight, bytes: assembly.bytes, senders, ...suspects };
      }
      const copies = [...(evidence.get(pieceIndex) ?? []), toEvidence(assembly)].slice(-COPIES_MAX);
      evidence.set(pieceIndex, copies);
      if (evidence.size > EVIDENCE_MAX) evidence.delete(evidence.keys().next().value as number);
      return { isRight, senders: sendersOf(copies.flat()), soleSender: senders.length === 1 ? (senders[0] as WireId) : null };
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

function sendersOf(blocks: readonly { sender: WireId | undefined }[]): WireId[] {
  return [...new Set(blocks.flatMap(({ sender }) => sender ?? []))];
}

function toEvidence({ bytes, senders }: Assembly): Evidence {
  return senders.map((sender, blockIndex) => ({ sender, hash: hashBlock(bytes, blockIndex) }));
}

/** Compares wrong copies with the right one, block by block. */
function judge(wrongCopies: readonly Evidence[], right: Assembly): { liars: WireId[]; acquitted: WireId[] } {
  const liars = new Set<WireId>();
  const seen = new Set<WireId>();
  for (const copy of wrongCopies)
    for (const [blockIndex, { sender, hash }] of copy.entries()) {
      if (sender === undefined) continue;
      seen.add(sender);
      if (!liars.has(sender) && !hash.equals(hashBlock(right.bytes, blockIndex))) liars.add(sender);
    }
  return { liars: [...liars], acquitted: [...seen].filter((wireId) => !liars.has(wireId)) };
}

function hashBlock(bytes: Buffer, blockIndex: number): Buffer {
  const start = blockIndex * BLOCK_BYTES;
  return createHash('sha1')
    .update(bytes.subarray(start, start + blockLengthAt(blockIndex, bytes.length)))
    .digest();
}
