import type { RunOrders } from '@lodestream/shared';

/** What a run does for those who give it orders. */
export type Wish = Readonly<Pick<RunOrders, 'demand' | 'hasSlot' | 'heldSeconds'>>;

/** A gateway says what it wants at least every 5 s; one that has missed three times has gone. */
const SILENT_MS = 15_000;

/**
 * What all gateways want of one run together: the furthest demand, awake if one of them has a slot for it, the most urgent
 * request. Each speaks for its own viewers and knows nothing of the others'. `first` holds until one speaks; what was said last
 * holds when nobody does any more.
 */
export function createOrderBook(first: Wish) {
  const wishes = new Map<string, { wish: Wish; atMs: number }>();
  return {
    take({ from, demand, hasSlot, heldSeconds }: RunOrders, nowMs: number): void {
      for (const [gateway, { atMs }] of wishes) if (nowMs - atMs > SILENT_MS) wishes.delete(gateway);
      wishes.set(from, { wish: { demand, hasSlot, heldSeconds }, atMs: nowMs });
    },
    together(): Wish {
      const all = [...wishes.values()].map(({ wish }) => wish);
      if (all.length === 0) return first;
      const held = all.flatMap(({ heldSeconds }) => (heldSeconds === null ? [] : [heldSeconds]));
      return {
        demand: Math.max(...all.map(({ demand }) => demand)),
        hasSlot: all.some(({ hasSlot }) => hasSlot),
        heldSeconds: held.length > 0 ? Math.min(...held) : null,
      };
    },
  };
}
