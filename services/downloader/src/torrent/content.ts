import { performance } from 'node:perf_hooks';
import { type Logger, ProblemError } from '@lodestream/service-kit';
import type { Metainfo, Want } from '@lodestream/shared';
import type { ByteRange } from '../reading/byte-range.ts';
import { pieceLengthAt, pieceSpan } from '../reading/piece-span.ts';
import { planWantedPieces, type ReaderView, readerWindow } from '../reading/readahead-window.ts';
import { blockCountOf } from '../scheduling/block.ts';
import { createPieceAssembly, isPieceRight } from '../scheduling/piece-assembly.ts';
import { createPieceScheduler, type WireId } from '../scheduling/piece-scheduler.ts';
import { createWires } from '../scheduling/wires.ts';
import { planEviction, type StoredPiece } from '../storage/disk-budget.ts';
import { createPieceBits, type PieceBits } from '../storage/piece-bits.ts';
import { isNoSpace, type PieceStore } from '../storage/piece-store.ts';
import type { Swarm } from './swarm.ts';

/** Reads that may be open at once; more are an error of the caller (webtorrent.md §11.3). */
export const READERS_MAX = 64;
/** After the disk was full, nothing is fetched for so long; then it is tried again. */
const STORAGE_FULL_MS = 5000;
/** Heads and tails are kept from eviction for so many files: the next episode is prepared while one is watched. */
const PREPARED_FILES_MAX = 4;
/** Files of an earlier process that are hashed at once. */
const CANDIDATE_CHECKS = 2;

export type OpenReader = {
  /** The next byte (of the torrent) that will be taken: the window moves with it. */
  advance(playhead: number): void;
  close(): void;
};

/**
 * The bytes of a torrent whose metadata is known. It joins readers → wanted pieces → requests → verified pieces → disk,
 * and wakes whoever waits for a piece.
 *
 * Invariants: `have` is set only after a piece's hash was right and its file is written, or its file was found and its
 * hash is right. What no reader wants is not fetched. A waiter is woken by its own piece alone.
 */
export type Content = {
  readonly metainfo: Metainfo;
  readonly have: PieceBits;
  openReader(range: ByteRange, want: Want): OpenReader;
  /** Resolves when the piece is on the disk; rejects by the signal, or `storage-full`. */
  waitForPiece(pieceIndex: number, signal: AbortSignal): Promise<void>;
  /** Bytes of a piece that is here; fewer where its file has been damaged. */
  readPiece(pieceIndex: number, offset: number, lengthBytes: number): Promise<Buffer>;
  /** The piece's file is not what it was: it has to be fetched again. */
  losePiece(pieceIndex: number): Promise<void>;
  prepare(pieceIndexes: readonly number[]): void;
  close(): void;
};

type Waiter = { resolve: () => void; reject: (error: unknown) => void };

export type ContentOptions = { metainfo: Metainfo; swarm: Swarm; store: PieceStore; budgetBytes: number; logger: Logger };

export function createContent({ metainfo, swarm, store, budgetBytes, logger }: ContentOptions): Content {
  const { pieceLength, pieceCount, lengthBytes } = metainfo;
  const lengthOf = (pieceIndex: number) => pieceLengthAt(pieceIndex, pieceLength, lengthBytes);
  const have = createPieceBits(pieceCount);
  const scheduler = createPieceScheduler(lengthOf, blockCountOf(pieceLength));
  const assembly = createPieceAssembly(lengthOf, metainfo.pieceHashes);
  const wires = createWires(scheduler, onBlock);
  const readers = new Map<number, ReaderView>();
  const waiters = new Map<number, Set<Waiter>>();
  const candidates = new Set(store.candidates);
  const checking = new Set<number>();
  const stored = new Map<number, StoredPiece>();
  let prepared: (readonly number[])[] = [];
  let isUpdateDue = false;
  let lastReaderId = 0;
  let usedBytes = 0;
  let fullUntil = 0;
  let isClosed = false;

  for (const pieceIndex of candidates) usedBytes += lengthOf(pieceIndex);
  for (const wire of swarm.wires) wires.add(wire);
  swarm.on('wire', (wire) => wires.add(wire));

  /** Once after the events of this turn: pieces come in and playheads move many times in one. */
  function updateSoon(): void {
    if (isUpdateDue) return;
    isUpdateDue = true;
    setImmediate(update);
  }

  /** Readers, prepared pieces or what is here have changed: order anew. */
  function update(): void {
    isUpdateDue = false;
    if (isClosed) return;
    const isPaused = performance.now() < fullUntil;
    const plan = planWantedPieces([...readers.values()], prepared.flat(), pieceLength, (pieceIndex) => !have.has(pieceIndex));
    const order: number[] = [];
    let urgentCount = 0;
    for (const [rank, pieceIndex] of plan.order.entries()) {
      if (candidates.has(pieceIndex)) {
        if (checking.size < CANDIDATE_CHECKS) void checkCandidate(pieceIndex);
      } else if (!checking.has(pieceIndex) && !isPaused) {
        order.push(pieceIndex);
        if (rank < plan.urgentCount) urgentCount = order.length;
      }
    }
    const { commands, dropped } = scheduler.setOrder(order, urgentCount);
    for (const pieceIndex of dropped) assembly.drop(pieceIndex);
    wires.execute(commands);
    wires.setTicking(order.length > 0);
    wires.wake();
  }

  function onBlock(wireId: WireId, pieceIndex: number, offset: number, block: Uint8Array): void {
    const outcome = scheduler.blockReceived(wireId, pieceIndex, offset, block.length, performance.now());
    if (outcome.isFresh) assembly.write(pieceIndex, offset, block, wireId);
    wires.execute(outcome.commands);
    wires.wake();
    if (outcome.isComplete) void finishPiece(pieceIndex);
  }

  async function finishPiece(pieceIndex: number): Promise<void> {
    try {
      const finished = await assembly.finish(pieceIndex);
      if (isClosed) return;
      if (!finished.isRight) return onBadPiece(pieceIndex, finished.senders, finished.soleSender);
      for (const liar of finished.liars) banWire(liar, 'sent wrong blocks');
      await storePiece(pieceIndex, finished.bytes);
    } catch (error) {
      onStoreFailure(pieceIndex, error);
    } finally {
      updateSoon();
    }
  }

  function onBadPiece(pieceIndex: number, senders: readonly WireId[], soleSender: WireId | null): void {
    logger.warn({ pieceIndex, senders: senders.length }, 'bad piece');
    if (soleSender !== null) banWire(soleSender, 'sent a wrong piece');
    scheduler.restartPiece(pieceIndex, soleSender === null ? (senders[0] ?? null) : null);
  }

  function banWire(wireId: WireId, reason: string): void {
    const wire = wires.get(wireId);
    if (wire) swarm.ban(wire, reason);
  }

  async function storePiece(pieceIndex: number, bytes: Uint8Array): Promise<void> {
    if (!(await makeRoom(bytes.length))) throw new ProblemError('storage-full');
    try {
      await store.put(pieceIndex, bytes);
    } catch (error) {
      if (!isNoSpace(error) || !(await makeRoom(bytes.length, usedBytes))) throw error;
      await store.put(pieceIndex, bytes);
    }
    if (isClosed) return;
    usedBytes += bytes.length;
    onVerified(pieceIndex);
  }

  function onVerified(pieceIndex: number): void {
    stored.set(pieceIndex, { pieceIndex, lengthBytes: lengthOf(pieceIndex), lastReadAt: performance.now() });
    have.set(pieceIndex, true);
    wires.execute(scheduler.forgetPiece(pieceIndex));
    swarm.markVerified(pieceIndex);
    for (const waiter of takeWaiters(pieceIndex)) waiter.resolve();
  }

  function onStoreFailure(pieceIndex: number, error: unknown): void {
    logger.error({ err: error, pieceIndex }, 'a piece could not be stored');
    wires.execute(scheduler.forgetPiece(pieceIndex));
    fullUntil = performance.now() + STORAGE_FULL_MS;
    setTimeout(update, STORAGE_FULL_MS).unref();
    const problem = new ProblemError('storage-full', {}, { cause: error });
    for (const waiting of [...waiters.keys()]) for (const waiter of takeWaiters(waiting)) waiter.reject(problem);
  }

  /** Evicts what has not been read for longest; with a limit below the budget when the disk itself is full. */
  async function makeRoom(neededBytes: number, limitBytes = budgetBytes): Promise<boolean> {
    const pinned = listPinned();
    const files = [
      ...stored.values(),
      ...[...candidates].map((pieceIndex) => ({ pieceIndex, lengthBytes: lengthOf(pieceIndex), lastReadAt: 0 })),
    ];
    const { evict, hasRoom } = planEviction(files, usedBytes, neededBytes, Math.min(limitBytes, budgetBytes), (pieceIndex) =>
      pinned.has(pieceIndex),
    );
    for (const pieceIndex of evict) await dropPiece(pieceIndex);
    return limitBytes < budgetBytes ? evict.length > 0 : hasRoom;
  }

  function listPinned(): Set<number> {
    const pinned = new Set([...prepared.flat(), ...checking]);
    for (const reader of readers.values()) {
      const { first, end } = pieceSpan(readerWindow(reader, pieceLength), pieceLength);
      for (let pieceIndex = first; pieceIndex < end; pieceIndex++) pinned.add(pieceIndex);
    }
    return pinned;
  }

  async function dropPiece(pieceIndex: number): Promise<void> {
    if (candidates.delete(pieceIndex) || stored.delete(pieceIndex)) usedBytes -= lengthOf(pieceIndex);
    if (have.has(pieceIndex)) {
      have.set(pieceIndex, false);
      swarm.markUnverified(pieceIndex);
    }
    await store.remove(pieceIndex);
  }

  /** A file of an earlier process is hashed when it is first wanted, and only then believed. */
  async function checkCandidate(pieceIndex: number): Promise<void> {
    candidates.delete(pieceIndex);
    checking.add(pieceIndex);
    try {
      const bytes = await store.read(pieceIndex, 0, lengthOf(pieceIndex)).catch(() => Buffer.alloc(0));
      const isRight = bytes.length === lengthOf(pieceIndex) && (await isPieceRight(bytes, pieceIndex, metainfo.pieceHashes));
      if (isClosed) return;
      if (isRight) return onVerified(pieceIndex);
      usedBytes -= lengthOf(pieceIndex);
      await store.remove(pieceIndex);
    } finally {
      checking.delete(pieceIndex);
      updateSoon();
    }
  }

  function takeWaiters(pieceIndex: number): Waiter[] {
    const taken = [...(waiters.get(pieceIndex) ?? [])];
    waiters.delete(pieceIndex);
    return taken;
  }

  return {
    metainfo,
    have,
    openReader(range, want) {
      if (readers.size >= READERS_MAX) throw new ProblemError('busy');
      const reader: ReaderView = { id: ++lastReaderId, playhead: range.start, end: range.end, deliveredBytes: 0, want };
      readers.set(reader.id, reader);
      update();
      return {
        advance(playhead) {
          reader.deliveredBytes += playhead - reader.playhead;
          reader.playhead = playhead;
          if (readers.has(reader.id)) updateSoon();
        },
        close() {
          if (readers.delete(reader.id)) update();
        },
      };
    },
    waitForPiece(pieceIndex, signal) {
      if (have.has(pieceIndex)) return Promise.resolve();
      if (signal.aborted) return Promise.reject(signal.reason);
      if (performance.now() < fullUntil) return Promise.reject(new ProblemError('storage-full'));
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          waiters.get(pieceIndex)?.delete(waiter);
          reject(signal.reason);
        };
        const settle = () => signal.removeEventListener('abort', onAbort);
        const waiter: Waiter = {
          resolve: () => {
            settle();
            resolve();
          },
          reject: (error) => {
            settle();
            reject(error);
          },
        };
        const waiting = waiters.get(pieceIndex) ?? new Set();
        waiters.set(pieceIndex, waiting.add(waiter));
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
    async readPiece(pieceIndex, offset, bytesToRead) {
      const piece = stored.get(pieceIndex);
      if (piece) piece.lastReadAt = performance.now();
      return store.read(pieceIndex, offset, bytesToRead);
    },
    async losePiece(pieceIndex) {
      await dropPiece(pieceIndex);
      update();
    },
    prepare(pieceIndexes) {
      prepared = [pieceIndexes, ...prepared].slice(0, PREPARED_FILES_MAX);
      update();
    },
    close() {
      isClosed = true;
      wires.close();
      const gone = new ProblemError('draining');
      for (const waiting of [...waiters.keys()]) for (const waiter of takeWaiters(waiting)) waiter.reject(gone);
    },
  };
}
