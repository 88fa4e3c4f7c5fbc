import { performance } from 'node:perf_hooks';
import { ProblemError } from '@lodestream/service-kit';
import { isPieceRight } from '../scheduling/piece-assembly.ts';
import { planEviction, type StoredPiece } from './disk-budget.ts';
import { isNoSpace, type PieceStore } from './piece-store.ts';

/** When the disk was full though our budget was not, what we have becomes the budget for so long. */
const SMALL_DISK_MS = 60_000;
/** And of it so much is left free, for pieces that are being written. */
const SMALL_DISK_SHARE = 0.9;

export type PieceShelf = {
  /** Pieces of an earlier process that nobody has hashed yet. */
  isCandidate(pieceIndex: number): boolean;
  /** Hashes a candidate; a wrong one is deleted. */
  checkCandidate(pieceIndex: number): Promise<boolean>;
  /** Writes a right piece, and evicts others for it. @throws ProblemError `storage-full`. */
  put(pieceIndex: number, bytes: Uint8Array): Promise<void>;
  /** Fewer bytes than asked for where its file has been damaged. */
  read(pieceIndex: number, offset: number, lengthBytes: number): Promise<Buffer>;
  drop(pieceIndex: number): Promise<void>;
  /** What the disk has given us so far: less than asked for when it turned out to be smaller. */
  budgetBytes(): number;
};

export type ShelfOptions = {
  store: PieceStore;
  lengthOf: (pieceIndex: number) => number;
  pieceHashes: Uint8Array;
  budgetBytes: number;
  /** In the window of a reader, or of the head or tail of a file: never evicted. */
  listPinned: () => ReadonlySet<number>;
  onEvicted: (pieceIndex: number) => void;
};

/** What lies on the disk, how much it is, and what goes when there is no room. */
export function createPieceShelf(options: ShelfOptions): PieceShelf {
  const { store, lengthOf, pieceHashes, listPinned, onEvicted } = options;
  const candidates = new Set(store.candidates);
  const stored = new Map<number, StoredPiece>();
  let usedBytes = 0;
  let smallDisk: { bytes: number; until: number } | null = null;
  for (const pieceIndex of candidates) usedBytes += lengthOf(pieceIndex);

  function budgetBytes(): number {
    if (smallDisk && performance.now() > smallDisk.until) smallDisk = null;
    return Math.min(options.budgetBytes, smallDisk?.bytes ?? Number.POSITIVE_INFINITY);
  }

  async function drop(pieceIndex: number): Promise<void> {
    if (candidates.delete(pieceIndex) || stored.delete(pieceIndex)) usedBytes -= lengthOf(pieceIndex);
    onEvicted(pieceIndex);
    await store.remove(pieceIndex);
  }

  /** False when what is in use leaves no room. */
  async function makeRoom(): Promise<boolean> {
    const budget = budgetBytes();
    if (usedBytes <= budget) return true;
    const pinned = listPinned();
    const old = [...candidates].map((pieceIndex) => ({ pieceIndex, lengthBytes: lengthOf(pieceIndex), lastReadAt: 0 }));
    const { evict, hasRoom } = planEviction([...old, ...stored.values()], usedBytes, 0, budget, (pieceIndex) =>
      pinned.has(pieceIndex),
    );
    for (const pieceIndex of evict) await drop(pieceIndex);
    return hasRoom;
  }

  async function write(pieceIndex: number, bytes: Uint8Array): Promise<void> {
    // Counted before it is written: several pieces become whole at once.
    usedBytes += bytes.length;
    try {
      if (!(await makeRoom())) throw new ProblemError('storage-full');
      await store.put(pieceIndex, bytes);
    } catch (error) {
      usedBytes -= bytes.length;
      throw error;
    }
    stored.set(pieceIndex, { pieceIndex, lengthBytes: bytes.length, lastReadAt: performance.now() });
  }

  return {
    budgetBytes,
    drop,
    isCandidate: (pieceIndex) => candidates.has(pieceIndex),
    async checkCandidate(pieceIndex) {
      candidates.delete(pieceIndex);
      const lengthBytes = lengthOf(pieceIndex);
      const bytes = await store.read(pieceIndex, 0, lengthBytes).catch(() => Buffer.alloc(0));
      if (bytes.length === lengthBytes && (await isPieceRight(bytes, pieceIndex, pieceHashes))) {
        stored.set(pieceIndex, { pieceIndex, lengthBytes, lastReadAt: performance.now() });
        return true;
      }
      usedBytes -= lengthBytes;
      await store.remove(pieceIndex);
      return false;
    },
    async put(pieceIndex, bytes) {
      try {
        await write(pieceIndex, bytes);
      } catch (error) {
        if (!isNoSpace(error)) throw error;
        smallDisk = { bytes: usedBytes * SMALL_DISK_SHARE, until: performance.now() + SMALL_DISK_MS };
        await write(pieceIndex, bytes).catch((cause: unknown) => {
          throw isNoSpace(cause) ? new ProblemError('storage-full', {}, { cause }) : cause;
        });
      }
    },
    async read(pieceIndex, offset, lengthBytes) {
      const piece = stored.get(pieceIndex);
      if (piece) piece.lastReadAt = performance.now();
      return store.read(pieceIndex, offset, lengthBytes);
    },
  };
}
