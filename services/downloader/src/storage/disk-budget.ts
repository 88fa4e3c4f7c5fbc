/** Beyond the budget so much may be on the disk while nothing can go: two of the largest pieces fit. */
export const BUDGET_RESERVE_BYTES = 128 * 1024 * 1024;
/** When something has to go, this part of the budget is freed at once, so that it does not happen at every piece. */
const HYSTERESIS = 0.05;

export type StoredPiece = { pieceIndex: number; lengthBytes: number; lastReadAt: number };

export type Eviction = {
  evict: number[];
  /** False: too much of what is stored is in use, and the new piece would break even the reserve. */
  hasRoom: boolean;
};

/** Which pieces go so that `neededBytes` more fit: the least recently read first, never one that is pinned. */
export function planEviction(
  stored: readonly StoredPiece[],
  usedBytes: number,
  neededBytes: number,
  budgetBytes: number,
  isPinned: (pieceIndex: number) => boolean,
): Eviction {
  if (usedBytes + neededBytes <= budgetBytes) return { evict: [], hasRoom: true };
  const targetBytes = budgetBytes * (1 - HYSTERESIS) - neededBytes;
  const evict: number[] = [];
  let remaining = usedBytes;
  for (const piece of [...stored].sort((a, b) => a.lastReadAt - b.lastReadAt)) {
    if (remaining <= targetBytes) break;
    if (isPinned(piece.pieceIndex)) continue;
    evict.push(piece.pieceIndex);
    remaining -= piece.lengthBytes;
  }
  return { evict, hasRoom: remaining + neededBytes <= budgetBytes + BUDGET_RESERVE_BYTES };
}
