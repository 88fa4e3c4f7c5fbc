import { performance } from 'node:perf_hooks';
import { type Logger, ProblemError } from '@lodestream/service-kit';
import type { ByteRange, Metainfo, Want } from '@lodestream/shared';
import { pieceLengthAt, pieceSpan } from '../reading/piece-span.ts';
import { createPieceWaiters } from '../reading/piece-waiters.ts';
import { planWantedPieces, type ReaderView, readerWindow, type WindowBounds } from '../reading/readahead-window.ts';
import { blockCountOf } from '../scheduling/block.ts';
import { createPieceAssembly } from '../scheduling/piece-assembly.ts';
import type { WireId } from '../scheduling/piece-progress.ts';
import { createPieceScheduler } from '../scheduling/piece-scheduler.ts';
import { createTrust } from '../scheduling/trust.ts';
import { type BlockWire, createWires } from '../scheduling/wires.ts';
import { createPieceBits, type PieceBits } from '../storage/piece-bits.ts';
import { createPieceShelf } from '../storage/piece-shelf.ts';
import type { PieceStore } from '../storage/piece-store.ts';
import { guardAgainstStaleRequests } from './leecher-guard.ts';
import type { Swarm } from './swarm.ts';

/** Reads that may be open at once; more are an error of the caller (webtorrent.md §11.3). */
export const READERS_MAX = 64;
/** After the disk was full, nothing is fetched for so long; then it is tried again. */
const STORAGE_FULL_MS = 5000;
/** Heads and tails are kept from eviction for so many files: the next episode is prepared while one is watched. */
const PREPARED_FILES_MAX = 4;
/** Files of an earlier process that are hashed at once. */
const CANDIDATE_CHECKS = 2;
/** All windows together cover at most so much of the disk: what was just read is wanted again soonest. */
const WINDOWS_SHARE = 0.5;

export type OpenReader = {
  /** The next byte (of the torrent) that will be taken: the window moves with it. */
  advance(playhead: number): void;
  close(): void;
};

/**
 * The bytes of a torrent whose metadata is known. It joins readers → wanted pieces → requests → verified pieces → disk,
 * and wakes whoever waits for a piece.
 *
 * Invariants: a piece is in `have` only after its hash was right and its file is written, or its file was found and its
 * hash is right. What no reader wants is not fetched. A waiter is woken by its own piece alone.
 */
export class Content {
  readonly metainfo: Metainfo;
  readonly have: PieceBits;
  readonly #swarm: Swarm;
  readonly #logger: Logger;
  readonly #scheduler;
  readonly #assembly;
  readonly #wires;
  readonly #trust = createTrust((wireId) => this.#scheduler.rateOf(wireId));
  /** Wires that have been banned: each costs an address, and is 8 bytes here. */
  readonly #excluded = new Set<WireId>();
  readonly #shelf;
  readonly #waiters = createPieceWaiters();
  readonly #readers = new Map<number, ReaderView>();
  readonly #checking = new Set<number>();
  #prepared: (readonly number[])[] = [];
  #lastReaderId = 0;
  #fullUntil = 0;
  #isUpdateDue = false;
  #isClosed = false;

  constructor(options: {
    metainfo: Metainfo;
    swarm: Swarm;
    webSeeds: readonly BlockWire[];
    store: PieceStore;
    budgetBytes: number;
    logger: Logger;
  }) {
    const { metainfo, swarm, webSeeds, store, budgetBytes, logger } = options;
    const { pieceLength, pieceCount, lengthBytes, pieceHashes } = metainfo;
    const lengthOf = (pieceIndex: number) => pieceLengthAt(pieceIndex, pieceLength, lengthBytes);
    this.metainfo = metainfo;
    this.have = createPieceBits(pieceCount);
    this.#swarm = swarm;
    this.#logger = logger;
    this.#scheduler = createPieceScheduler(lengthOf, blockCountOf(pieceLength));
    this.#assembly = createPieceAssembly(lengthOf, pieceHashes);
    this.#shelf = createPieceShelf({
      store,
      lengthOf,
      pieceHashes,
      budgetBytes,
      listPinned: () => this.#listPinned(),
      onEvicted: (pieceIndex) => this.#onEvicted(pieceIndex),
    });
    this.#wires = createWires(this.#scheduler, {
      onBlock: (...block) => this.#onBlock(...block),
      onDropped: (pieceIndex) => this.#assembly.drop(pieceIndex),
    });
    for (const webSeed of webSeeds) this.#wires.add(webSeed);
    for (const wire of swarm.wires) this.#addWire(wire);
    swarm.on('wire', (wire) => this.#addWire(wire));
  }

  #addWire(wire: Swarm['wires'][number]): void {
    this.#wires.add(wire);
    guardAgainstStaleRequests(wire, (pieceIndex) => this.have.has(pieceIndex));
  }

  /** @throws ProblemError `busy` beyond the limit of readers. */
  openReader(range: ByteRange, want: Want): OpenReader {
    if (this.#readers.size >= READERS_MAX) throw new ProblemError('busy');
    const reader: ReaderView = { id: ++this.#lastReaderId, playhead: range.start, end: range.end, deliveredBytes: 0, want };
    this.#readers.set(reader.id, reader);
    this.#update();
    return {
      advance: (playhead) => {
        reader.deliveredBytes += playhead - reader.playhead;
        reader.playhead = playhead;
        if (this.#readers.has(reader.id)) this.#updateSoon();
      },
      close: () => {
        if (this.#readers.delete(reader.id)) this.#update();
      },
    };
  }

  /** Resolves when the piece is on the disk; rejects with the signal's reason, or `storage-full`. */
  async waitForPiece(pieceIndex: number, signal: AbortSignal): Promise<void> {
    if (this.have.has(pieceIndex)) return;
    if (this.#isClosed) throw new ProblemError('draining');
    if (this.#isStorageFull()) throw new ProblemError('storage-full');
    await this.#waiters.wait(pieceIndex, signal);
  }

  /** Bytes of a piece that is here; fewer where its file has been damaged. */
  readPiece(pieceIndex: number, offset: number, lengthBytes: number): Promise<Uint8Array> {
    this.#shelf.touch(pieceIndex);
    return this.#shelf.read(pieceIndex, offset, lengthBytes);
  }

  /** The same for other peers: what they read is not kept longer for it. */
  servePiece(pieceIndex: number, offset: number, lengthBytes: number): Promise<Uint8Array> {
    return this.#shelf.read(pieceIndex, offset, lengthBytes);
  }

  /** The piece's file is not what it was: it has to be fetched again. */
  async losePiece(pieceIndex: number): Promise<void> {
    await this.#shelf.drop(pieceIndex);
    this.#update();
  }

  /** These are fetched before any reading ahead, and stay. */
  prepare(pieceIndexes: readonly number[]): void {
    this.#prepared = [pieceIndexes, ...this.#prepared].slice(0, PREPARED_FILES_MAX);
    this.#update();
  }

  close(): void {
    this.#isClosed = true;
    this.#wires.close();
    this.#waiters.rejectAll(new ProblemError('draining'));
  }

  /** Once after the events of this turn: pieces come in and playheads move many times in one. */
  #updateSoon(): void {
    if (this.#isUpdateDue) return;
    this.#isUpdateDue = true;
    setImmediate(() => this.#update());
  }

  /** Readers, prepared pieces or what is here have changed: order anew. */
  #update(): void {
    this.#isUpdateDue = false;
    if (this.#isClosed) return;
    const readers = [...this.#readers.values()];
    const isMissing = (pieceIndex: number) => !this.have.has(pieceIndex);
    const plan = planWantedPieces(readers, this.#prepared.flat(), this.metainfo.pieceLength, isMissing, this.#windowBounds());
    const order: number[] = [];
    let urgentCount = 0;
    for (const [rank, pieceIndex] of plan.order.entries()) {
      if (this.#shelf.isCandidate(pieceIndex)) {
        if (this.#checking.size < CANDIDATE_CHECKS) void this.#checkCandidate(pieceIndex);
      } else if (!this.#checking.has(pieceIndex) && !this.#isStorageFull()) {
        order.push(pieceIndex);
        if (rank < plan.urgentCount) urgentCount = order.length;
      }
    }
    this.#wires.carryOut(this.#scheduler.setOrder(order, urgentCount));
    this.#wires.setTicking(order.length > 0);
    this.#wires.wake();
  }

  #onBlock(wireId: WireId, pieceIndex: number, offset: number, block: Uint8Array): void {
    const outcome = this.#scheduler.blockReceived(wireId, pieceIndex, offset, block.length, performance.now());
    if (outcome.isFresh) this.#assembly.write(pieceIndex, offset, block, wireId);
    this.#wires.execute(outcome.commands);
    this.#wires.wake();
    if (outcome.isComplete) void this.#finishPiece(pieceIndex);
  }

  async #finishPiece(pieceIndex: number): Promise<void> {
    try {
      const finished = await this.#assembly.finish(pieceIndex);
      if (this.#isClosed) return;
      if (finished.isRight) {
        this.#scheduler.acquit(finished.acquitted);
        this.#trust.credit(finished.senders);
        for (const liar of finished.liars) this.#ban(liar, 'sent wrong blocks');
        await this.#shelf.put(pieceIndex, finished.bytes);
        this.#onVerified(pieceIndex);
      } else {
        this.#onBadPiece(pieceIndex, finished);
      }
    } catch (error) {
      this.#onStorageFull(pieceIndex, error);
    } finally {
      this.#updateSoon();
    }
  }

  #onBadPiece(pieceIndex: number, { senders, soleSender }: { senders: WireId[]; soleSender: WireId | null }): void {
    this.#logger.warn({ pieceIndex, senders: senders.length }, 'bad piece');
    if (soleSender !== null) this.#ban(soleSender, 'sent a wrong piece');
    const { witness, suspects } = this.#trust.pickWitness(senders.filter((wireId) => !this.#excluded.has(wireId)));
    this.#wires.execute(this.#scheduler.restartPiece(pieceIndex, witness, suspects, performance.now()));
  }

  #ban(wireId: WireId, reason: string): void {
    if (this.#excluded.has(wireId)) return;
    this.#excluded.add(wireId);
    this.#wires.execute(this.#scheduler.exclude(wireId));
    const wire = this.#wires.get(wireId);
    if (wire) this.#swarm.ban(wire, reason);
  }

  #onVerified(pieceIndex: number): void {
    if (this.#isClosed) return;
    this.have.set(pieceIndex, true);
    this.#wires.execute(this.#scheduler.forgetPiece(pieceIndex));
    this.#swarm.markVerified(pieceIndex);
    this.#waiters.resolve(pieceIndex);
  }

  #onEvicted(pieceIndex: number): void {
    if (!this.have.has(pieceIndex)) return;
    this.have.set(pieceIndex, false);
    this.#swarm.markUnverified(pieceIndex);
  }

  #onStorageFull(pieceIndex: number, error: unknown): void {
    this.#logger.error({ err: error, pieceIndex }, 'a piece could not be stored');
    this.#wires.execute(this.#scheduler.forgetPiece(pieceIndex));
    this.#fullUntil = performance.now() + STORAGE_FULL_MS;
    setTimeout(() => this.#update(), STORAGE_FULL_MS).unref();
    this.#waiters.rejectAll(new ProblemError('storage-full', {}, { cause: error }));
  }

  async #checkCandidate(pieceIndex: number): Promise<void> {
    this.#checking.add(pieceIndex);
    try {
      if (await this.#shelf.checkCandidate(pieceIndex)) this.#onVerified(pieceIndex);
    } catch (error) {
      // What cannot be read or deleted is fetched again; a broken disk shows when that is written.
      this.#logger.error({ err: error, pieceIndex }, 'a piece of an earlier process could not be checked');
    } finally {
      this.#checking.delete(pieceIndex);
      this.#updateSoon();
    }
  }

  #listPinned(): Set<number> {
    const pinned = new Set([...this.#prepared.flat(), ...this.#checking]);
    for (const reader of this.#readers.values()) {
      const { first, end } = pieceSpan(
        readerWindow(reader, this.metainfo.pieceLength, this.#windowBounds()),
        this.metainfo.pieceLength,
      );
      for (let pieceIndex = first; pieceIndex < end; pieceIndex++) pinned.add(pieceIndex);
    }
    return pinned;
  }

  #windowBounds(): WindowBounds {
    const limitBytes = (this.#shelf.budgetBytes() * WINDOWS_SHARE) / Math.max(1, this.#readers.size);
    return { pauseBytes: this.#scheduler.pauseBytes(), limitBytes };
  }

  #isStorageFull(): boolean {
    return performance.now() < this.#fullUntil;
  }
}
