/**
 * Who may encode now. A run that someone waits for comes first; any other yields at once. Between waiting runs the
 * longest waiter wins, but a run keeps its slot for at least one part, or two waiters would take it from each other
 * without either getting anything made.
 */
export type SlotClaim = Readonly<{
  name: string;
  /** When the request that waits for this run came; null: nobody waits. */
  waitingSinceMs: number | null;
  hasSlot: boolean;
  /** Parts made since it last got a slot. */
  partsSinceSlot: number;
  /** When a segment of it was last asked for: without waiters the most recent viewer keeps his read-ahead. */
  lastDemandAtMs: number;
}>;

const MIN_PARTS_A_SLOT = 1;

/** Names of the runs that are awake, at most `slots` of them. */
export function planEncodeSlots(claims: readonly SlotClaim[], slots: number): Set<string> {
  return new Set(
    [...claims]
      .sort(byClaim)
      .slice(0, slots)
      .map((claim) => claim.name),
  );
}

function byClaim(a: SlotClaim, b: SlotClaim): number {
  return rank(a) - rank(b) || order(a) - order(b) || (a.name < b.name ? -1 : 1);
}

function rank(claim: SlotClaim): number {
  if (claim.waitingSinceMs === null) return 2;
  return claim.hasSlot && claim.partsSinceSlot < MIN_PARTS_A_SLOT ? 0 : 1;
}

function order(claim: SlotClaim): number {
  return claim.waitingSinceMs ?? -claim.lastDemandAtMs;
}
