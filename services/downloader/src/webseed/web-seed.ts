import { EventEmitter } from 'node:events';
import type { Logger } from '@lodestream/service-kit';
import type { Metainfo, MetainfoFile } from '@lodestream/shared';
import { pieceLengthAt } from '../reading/piece-span.ts';
import type { BlockWire } from '../scheduling/wires.ts';
import { splitByFile, takeRun, type WantedBlock } from './block-run.ts';
import { createRangeClient, RangeFailed } from './range-request.ts';
import { buildWebSeedUrl } from './web-seed-url.ts';

/** Requests at once; browsers have 6. */
const CONNECTIONS_MAX = 4;
/** Of one request: enough that a round trip is a small part of it, and little when it turns out to be wanted no more. */
const RUN_BYTES_MAX = 1024 * 1024;
/** Blocks that it may owe: all its requests, and as much again that is taken up without a pause. */
const BLOCKS_MAX = (2 * CONNECTIONS_MAX * RUN_BYTES_MAX) / (16 * 1024);
/** After a failure: 1, 2, 4, 8, 16 s; then it is given up. A finished request begins anew. */
const BACKOFF_MS = 1000;
const FAILURES_MAX = 5;

type Asked = WantedBlock & { done: (error: Error | null) => void; isCancelled: boolean };
type Run = { blocks: Asked[]; controller: AbortController };

export type WebSeed = BlockWire & { readonly receivedBytes: number };

/**
 * A server with the torrent's files (BEP 19), as one more wire of the scheduler: it is asked for blocks, fetches those that
 * follow each other as one range, and hands them over as they arrive. It chokes while it backs off, and closes when it is
 * given up or banned; nothing of it is trusted more than a peer's.
 */
export function createWebSeed(baseUrl: string, metainfo: Metainfo, logger: Logger): WebSeed {
  const { files, pieceLength, lengthBytes, isSingleFile } = metainfo;
  const events = new EventEmitter() as EventEmitter & Record<string, unknown>;
  const client = createRangeClient(CONNECTIONS_MAX);
  const host = new URL(baseUrl).host;
  const runs = new Set<Run>();
  const hasPieceMemo = new Map<number, boolean>();
  const missingFiles = new Set<number>();
  let queue: Asked[] = [];
  let failures = 0;
  let isChoking = false;
  let isClosed = false;
  let isDispatchDue = false;
  let receivedBytes = 0;
  let backoff: NodeJS.Timeout | undefined;

  const urlOf = (file: MetainfoFile) =>
    missingFiles.has(file.index) ? null : buildWebSeedUrl(baseUrl, file.rawPath, isSingleFile);

  function hasPiece(pieceIndex: number): boolean {
    const known = hasPieceMemo.get(pieceIndex);
    if (known !== undefined) return known;
    const start = pieceIndex * pieceLength;
    const parts = splitByFile(start, start + pieceLengthAt(pieceIndex, pieceLength, lengthBytes), files);
    const has = parts.every((part) => part.isPadding || urlOf(files[part.fileIndex] as MetainfoFile) !== null);
    hasPieceMemo.set(pieceIndex, has);
    return has;
  }

  /** Once after the requests of this turn: they come block by block. */
  function dispatchSoon(): void {
    if (isDispatchDue) return;
    isDispatchDue = true;
    setImmediate(() => {
      isDispatchDue = false;
      dispatch();
    });
  }

  function dispatch(): void {
    while (!isChoking && !isClosed && runs.size < CONNECTIONS_MAX && queue.length > 0) {
      const { run, rest } = takeRun(queue, RUN_BYTES_MAX);
      queue = rest as Asked[];
      const next: Run = { blocks: run as Asked[], controller: new AbortController() };
      runs.add(next);
      void fetchRun(next)
        .then(
          () => {
            failures = 0;
          },
          (error: unknown) => {
            if (!next.controller.signal.aborted) backOff(error as Error);
          },
        )
        .finally(() => {
          runs.delete(next);
          dispatch();
        });
    }
  }

  async function fetchRun(run: Run): Promise<void> {
    const waiting = run.blocks.values();
    let block = waiting.next().value;
    let bytes = Buffer.alloc(block?.lengthBytes ?? 0);
    let filled = 0;
    for await (const chunk of readRun(run)) {
      receivedBytes += chunk.length;
      for (let taken = 0; block && taken < chunk.length; ) {
        const slice = chunk.subarray(taken, taken + bytes.length - filled);
        bytes.set(slice, filled);
        filled += slice.length;
        taken += slice.length;
        if (filled < bytes.length) break;
        if (!block.isCancelled) {
          events.emit('piece', block.pieceIndex, block.offset, bytes);
          block.done(null);
          block.isCancelled = true;
        }
        block = waiting.next().value;
        bytes = Buffer.alloc(block?.lengthBytes ?? 0);
        filled = 0;
      }
    }
  }

  async function* readRun({ blocks, controller }: Run): AsyncGenerator<Uint8Array> {
    const first = blocks[0] as Asked;
    const last = blocks.at(-1) as Asked;
    for (const part of splitByFile(first.start, last.start + last.lengthBytes, files)) {
      const file = files[part.fileIndex] as MetainfoFile;
      if (part.isPadding) {
        yield new Uint8Array(part.end - part.start);
        continue;
      }
      const url = urlOf(file);
      if (url === null) throw new RangeFailed('no such file');
      try {
        yield* client.fetchRange(url, { start: part.start, end: part.end, fileLengthBytes: file.lengthBytes }, controller.signal);
      } catch (error) {
        if (error instanceof RangeFailed && error.isMissing) {
          missingFiles.add(file.index);
          hasPieceMemo.clear();
        }
        throw error;
      }
    }
  }

  function backOff(error: Error): void {
    failures += 1;
    logger.info({ host, failures, reason: error.message }, 'web seed failed');
    if (failures > FAILURES_MAX) return destroy();
    const waitMs = Math.max(BACKOFF_MS * 2 ** (failures - 1), error instanceof RangeFailed ? error.retryAfterMs : 0);
    setChoking(true);
    dropAll(error);
    clearTimeout(backoff);
    backoff = setTimeout(() => setChoking(false), waitMs);
    backoff.unref();
  }

  function setChoking(value: boolean): void {
    isChoking = value;
    events.emit(value ? 'choke' : 'unchoke');
  }

  function dropAll(error: Error): void {
    const dropped = [...queue, ...[...runs].flatMap((run) => run.blocks)];
    queue = [];
    for (const run of runs) run.controller.abort();
    for (const block of dropped) cancelBlock(block, error);
  }

  function cancelBlock(block: Asked, error: Error): void {
    if (block.isCancelled) return;
    block.isCancelled = true;
    block.done(error);
  }

  function destroy(): void {
    if (isClosed) return;
    isClosed = true;
    clearTimeout(backoff);
    dropAll(new Error('the web seed was closed'));
    client.close();
    events.emit('close');
  }

  return Object.defineProperties(
    Object.assign(events, {
      // No bits, like a peer that has said that it has all.
      peerPieces: { get: hasPiece, buffer: new Uint8Array(0) },
      peerExtendedHandshake: { reqq: BLOCKS_MAX },
      request(pieceIndex: number, offset: number, length: number, done: (error: Error | null) => void) {
        if (isClosed || isChoking) return done(new Error('the web seed backs off'));
        queue.push({
          pieceIndex,
          offset,
          lengthBytes: length,
          start: pieceIndex * pieceLength + offset,
          done,
          isCancelled: false,
        });
        dispatchSoon();
      },
      cancel(pieceIndex: number, offset: number) {
        const isMeant = (block: Asked) => block.pieceIndex === pieceIndex && block.offset === offset;
        const error = new Error('cancelled');
        for (const block of queue.filter(isMeant)) cancelBlock(block, error);
        queue = queue.filter((block) => !isMeant(block));
        for (const run of runs) {
          for (const block of run.blocks.filter(isMeant)) cancelBlock(block, error);
          if (run.blocks.every((block) => block.isCancelled)) run.controller.abort();
        }
      },
      destroy,
    }),
    {
      peerChoking: { get: () => isChoking },
      destroyed: { get: () => isClosed },
      receivedBytes: { get: () => receivedBytes },
    },
  ) as unknown as WebSeed;
}
