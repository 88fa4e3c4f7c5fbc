import { performance } from 'node:perf_hooks';
import { ProblemError } from '@lodestream/service-kit';
import { isPieceRight } from '../scheduling/piece-assembly.ts';
import { planEviction, type StoredPiece } from './disk-budget.ts';
import { isNoSpace, type PieceStore } from './piece-store.ts';

/** When the disk was full though our budget was not, what we have becomes the budget for so long. */
const SMALL_DISK_MS = 60_000;
/** And of it these shares, one attempt to write after the other: windows shrink with the budget, and what they free can go. */
const SMALL_DISK_SHARES = [0.9, 0.7, 0.4];

/** Pieces that have just been written are read next: so many bytes of them are kept, and the disk is not asked. */
const FRESH_BYTES = 16 * 1024 * 1024;

export type PieceShelf = {
  /** Pieces of an earlier process that nobody has hashed yet. */
  isCandidate(pieceIndex: number): boolean;
  /** Hashes a candidate; a wrong one is deleted. */
  checkCandidate(pieceIndex: number): Promise<boolean>;
  /** Writes a right piece, and evicts others for it. @throws ProblemError `storage-full`. */
  put(pieceIndex: number, bytes: Uint8Array): Promise<void>;
  /** Fewer bytes than asked for where its file has been damaged. */
  read(pieceIndex: number, offset: number, lengthBytes: number): Promise<Uint8Array>;
  /** A viewer reads it now. */
  touch(pieceIndex: number): void;
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
  const fresh = new Map<number, Uint8Array>();
  let freshBytes = 0;
  let usedBytes = 0;
  let smallDisk: { bytes: number; until: number } | null = null;
  for (const pieceIndex of candidates) usedBytes += lengthOf(pieceIndex);

  function budgetBytes(): number {
    if (smallDisk && performance.now() > smallDisk.until) smallDisk = null;
    return Math.min(options.budgetBytes, smallDisk?.bytes ?? Number.POSITIVE_INFINITY);
  }

  function keepFresh(pieceIndex: number, bytes: Uint8Array): void {
    forgetFresh(pieceIndex);
    fresh.set(pieceIndex, bytes);
    freshBytes += bytes.length;
    for (const oldest of fresh.keys()) {
      if (freshBytes <= FRESH_BYTES) break;
      forgetFresh(oldest);
    }
  }

  function forgetFresh(pieceIndex: number): void {
    freshBytes -= fresh.get(pieceIndex)?.length ?? 0;
    fresh.delete(pieceIndex);
  }

  async function drop(pieceIndex: number): Promise<void> {
    forgetFresh(pieceIndex);
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
    keepFresh(pieceIndex, bytes);
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
      const fullBytes = usedBytes;
      for (const share of [...SMALL_DISK_SHARES, null])
        try {
          return await write(pieceIndex, bytes);
        } catch (error) {
          if (!isNoSpace(error)) throw error;
          if (share === null) throw new ProblemError('storage-full', {}, { cause: error });
          smallDisk = { bytes: fullBytes * share, until: performance.now() + SMALL_DISK_MS };
        }
    },
    async read(pieceIndex, offset, lengthBytes) {
      const bytes = fresh.get(pieceIndex);
      return bytes ? bytes.subarray(offset, offset + lengthBytes) : store.read(pieceIndex, offset, lengthBytes);
    },
    touch(pieceIndex) {
      const piece = stored.get(pieceIndex);
      if (piece) piece.lastReadAt = performance.now();
    },
  };
}
