import { createProgress, isWhole, type Progress } from './piece-progress.ts';

/** Half-fetched pieces that nobody wants any more are kept up to so many bytes: seeking back is common. */
const KEPT_BYTES = 32 * 1024 * 1024;

/**
 * The pieces that have a buffer, or are about to have one: asked for, half here, being hashed or written. Together they
 * never exceed `maxBytes`; only a piece that is larger than that by itself is let in when it is alone.
 */
export function createOpenPieces(pieceLengthOf: (pieceIndex: number) => number, maxBytes: number) {
  const pieces = new Map<number, Progress>();
  let bytes = 0;

  function open(pieceIndex: number, now: number): Progress {
    close(pieceIndex);
    const progress = createProgress(pieceIndex, pieceLengthOf(pieceIndex), now);
    pieces.set(pieceIndex, progress);
    bytes += progress.lengthBytes;
    return progress;
  }

  function close(pieceIndex: number): void {
    bytes -= pieces.get(pieceIndex)?.lengthBytes ?? 0;
    pieces.delete(pieceIndex);
  }

  return {
    get: (pieceIndex: number) => pieces.get(pieceIndex),
    values: () => pieces.values(),
    bytes: () => bytes,
    open,
    close,

    /** Pieces nobody wants whose blocks are not worth keeping: the older ones beyond the limit, and all that are empty. */
    listStale(isWanted: (pieceIndex: number) => boolean): Progress[] {
      let keptBytes = 0;
      return [...pieces.values()].reverse().filter((progress) => {
        if (isWanted(progress.pieceIndex) || isWhole(progress)) return false;
        keptBytes += progress.lengthBytes;
        return progress.receivedCount === 0 || keptBytes > KEPT_BYTES;
      });
    },

    /**
     * Which pieces have to go so that this one can be opened: none when it fits, `null` when even that would not help.
     * `claimOf` is another piece's claim to its buffer: the smallest gives way first, one of `null` never does.
     */
    planRoom(pieceIndex: number, claimOf: (progress: Progress) => number | null): Progress[] | null {
      let missingBytes = bytes + pieceLengthOf(pieceIndex) - maxBytes;
      if (missingBytes <= 0 || pieces.size === 0) return [];
      const claims = [...pieces.values()]
        .filter((progress) => !isWhole(progress))
        .map((progress) => ({ progress, claim: claimOf(progress) }))
        .filter((each): each is { progress: Progress; claim: number } => each.claim !== null)
        .sort((a, b) => a.claim - b.claim);
      const victims: Progress[] = [];
      for (const { progress } of claims) {
        if (missingBytes <= 0) break;
        victims.push(progress);
        missingBytes -= progress.lengthBytes;
      }
      return missingBytes <= 0 || victims.length === pieces.size ? victims : null;
    },
  };
}
