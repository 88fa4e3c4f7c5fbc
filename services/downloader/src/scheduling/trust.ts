import type { WireId } from './piece-progress.ts';

/** Who had a part in so many right pieces is not taken for a liar before there is proof. */
const TRUSTED_PIECES = 8;
/** Of wires that have gone, the oldest are forgotten beyond so many. */
const REMEMBERED_MAX = 500;

/**
 * Who has helped to make right pieces. When a piece is wrong, one of its senders is the witness: the fastest of those that
 * have. The piece is fetched again from it alone, and who sent something else has lied. Nobody is banned by trust, only by
 * that proof; and a witness that lies itself has then sent a whole wrong piece.
 */
export function createTrust(rateOf: (wireId: WireId) => number) {
  const rightPieces = new Map<WireId, number>();
  const of = (wireId: WireId) => rightPieces.get(wireId) ?? 0;
  return {
    credit(senders: readonly WireId[]): void {
      for (const wireId of senders) {
        const count = of(wireId) + 1;
        // Put last, so that the first is the one that has been silent for longest.
        rightPieces.delete(wireId);
        rightPieces.set(wireId, count);
      }
      for (const wireId of rightPieces.keys()) {
        if (rightPieces.size <= REMEMBERED_MAX) break;
        rightPieces.delete(wireId);
      }
    },
    /** Suspects are asked for nothing until the witness has spoken. */
    pickWitness(senders: readonly WireId[]): { witness: WireId | null; suspects: WireId[] } {
      const hasHelped = (wireId: WireId) => Number(of(wireId) > 0);
      const [witness = null, ...others] = [...senders].sort(
        (a, b) => hasHelped(b) - hasHelped(a) || rateOf(b) - rateOf(a) || of(b) - of(a),
      );
      return { witness, suspects: others.filter((wireId) => of(wireId) < TRUSTED_PIECES) };
    },
  };
}
