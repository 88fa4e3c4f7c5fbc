import type { ByteRange, Want } from '@lodestream/shared';
import { pieceSpan } from './piece-span.ts';

/** A reader as the order sees it: bytes of the torrent that it will want, and how urgent they are. */
export type ReaderView = {
  id: number;
  /** The next byte that the reader takes. */
  playhead: number;
  /** Where its range ends. */
  end: number;
  /** How much it has taken so far: its window grows with that. */
  deliveredBytes: number;
  want: Want;
};

/** At least so much of a new reader's bytes is fetched: enough to keep several peers busy at once. */
export const WINDOW_START_BYTES = 1024 * 1024;
/** No reader is served further ahead: some seconds of the fastest swarm, and half a minute of a large film. */
export const WINDOW_MAX_BYTES = 32 * 1024 * 1024;
/** Whatever the size of a piece: the next one is there when this one has been read. */
export const WINDOW_MIN_PIECES = 2;
/** And not more than so many, where pieces are tiny: the order is made anew at every one of them. */
export const WINDOW_MAX_PIECES = 512;
/** Of every reader so many missing pieces are urgent: what it waits for, and what it waits for next. */
export const URGENT_PIECES = 2;

/**
 * How far ahead of its playhead a reader is served. It starts small, because a new reader may be a probe that seeks away, and grows by
 * half of what was taken: still twofold every few windows, while what a socket swallows at once does not count for much.
 */
export function windowBytes(deliveredBytes: number, pauseBytes = 0): number {
  return Math.min(WINDOW_START_BYTES + Math.max(deliveredBytes / 2, pauseBytes), WINDOW_MAX_BYTES);
}

/** What bounds all windows: `pauseBytes` are what peers that pause want to be asked for at once, `limitBytes` what the disk allows. */
export type WindowBounds = { pauseBytes: number; limitBytes: number };
const UNBOUNDED: WindowBounds = { pauseBytes: 0, limitBytes: Number.POSITIVE_INFINITY };

/** The bytes that a reader's window covers now. */
export function readerWindow(reader: ReaderView, pieceLength: number, bounds = UNBOUNDED): ByteRange {
  const wanted = windowBytes(reader.deliveredBytes, bounds.pauseBytes);
  const most = Math.min(wanted, pieceLength * WINDOW_MAX_PIECES, bounds.limitBytes);
  const bytes = Math.max(most, pieceLength * (WINDOW_MIN_PIECES - 1) + 1);
  return { start: reader.playhead, end: Math.min(reader.end, reader.playhead + bytes) };
}

export type WantedPieces = {
  /** Pieces to fetch, most urgent first, each once. */
  order: number[];
  /** The first so many are urgent. */
  urgentCount: number;
};

/**
 * Readers → the pieces to fetch, in order (architecture §3.9): what held requests wait for, earliest media time first;
 * the prepared head and tail of a file that is about to be played; the rest of the held readers' windows; then the
 * same for readers ahead. Readers take turns only where they tie; of these a new one goes first.
 */
export function planWantedPieces(
  readers: readonly ReaderView[],
  prepared: readonly number[],
  pieceLength: number,
  isMissing: (pieceIndex: number) => boolean,
  bounds = UNBOUNDED,
): WantedPieces {
  const order: number[] = [];
  const seen = new Set<number>();
  const take = (pieceIndex: number) => {
    if (seen.has(pieceIndex)) return;
    seen.add(pieceIndex);
    order.push(pieceIndex);
  };

  let urgentCount = 0;
  for (const urgency of ['held', 'ahead'] as const) {
    const groups = groupTies(readers.filter((reader) => reader.want.urgency === urgency)).map((group) =>
      group.map((reader) => listMissing(readerWindow(reader, pieceLength, bounds), pieceLength, isMissing)),
    );
    for (const group of groups)
      takeTurns(
        group.map((missing) => missing.slice(0, URGENT_PIECES)),
        take,
      );
    if (urgency === 'held') {
      urgentCount = order.length;
      for (const pieceIndex of prepared) if (isMissing(pieceIndex)) take(pieceIndex);
      urgentCount ||= Math.min(order.length, URGENT_PIECES);
    }
    for (const group of groups) takeTurns(group, take);
  }
  return { order, urgentCount: urgentCount || Math.min(order.length, URGENT_PIECES) };
}

/** Readers of the same media second stand together; among them those that have had nothing yet are first. */
function groupTies(readers: readonly ReaderView[]): ReaderView[][] {
  const sorted = [...readers].sort(
    (a, b) => a.want.seconds - b.want.seconds || Number(a.deliveredBytes > 0) - Number(b.deliveredBytes > 0) || b.id - a.id,
  );
  const groups: ReaderView[][] = [];
  for (const reader of sorted) {
    const last = groups.at(-1);
    if (last?.[0]?.want.seconds === reader.want.seconds) last.push(reader);
    else groups.push([reader]);
  }
  return groups;
}

function listMissing(window: ByteRange, pieceLength: number, isMissing: (pieceIndex: number) => boolean): number[] {
  const { first, end } = pieceSpan(window, pieceLength);
  const missing: number[] = [];
  for (let pieceIndex = first; pieceIndex < end; pieceIndex++) if (isMissing(pieceIndex)) missing.push(pieceIndex);
  return missing;
}

function takeTurns(lists: readonly number[][], take: (pieceIndex: number) => void): void {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  for (let turn = 0; turn < longest; turn++)
    for (const list of lists) {
      const pieceIndex = list[turn];
      if (pieceIndex !== undefined) take(pieceIndex);
    }
}
