import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planEncodeSlots, type SlotClaim } from './encode-slots.ts';

const claims = fc
  .array(
    fc.record({
      waitingSinceMs: fc.option(fc.nat(1000)),
      hasSlot: fc.boolean(),
      partsSinceSlot: fc.nat(3),
      lastDemandAtMs: fc.nat(1000),
    }),
    { maxLength: 12 },
  )
  .map((list): SlotClaim[] => list.map((claim, index) => ({ name: `run-${index}`, ...claim })));
const slots = fc.integer({ min: 1, max: 6 });

function claim(name: string, facts: Partial<SlotClaim> = {}): SlotClaim {
  return { name, waitingSinceMs: null, hasSlot: false, partsSinceSlot: 0, lastDemandAtMs: 0, ...facts };
}

describe('planEncodeSlots', () => {
  it('never has more awake than there are slots, and never fewer than it could', () => {
    fc.assert(fc.property(claims, slots, (list, count) => planEncodeSlots(list, count).size === Math.min(count, list.length)));
  });

  it('never leaves a run with a waiter asleep while one without is awake', () => {
    fc.assert(
      fc.property(claims, slots, (list, count) => {
        const awake = planEncodeSlots(list, count);
        const isLeftWaiting = list.some((one) => one.waitingSinceMs !== null && !awake.has(one.name));
        const isIdlerAwake = list.some((one) => one.waitingSinceMs === null && awake.has(one.name));
        expect(isLeftWaiting && isIdlerAwake).toBe(false);
      }),
    );
  });

  it('gives a slot to the longest waiter, except that a run keeps its own for one part', () => {
    fc.assert(
      fc.property(claims, slots, (list, count) => {
        const awake = planEncodeSlots(list, count);
        for (const asleep of list.filter((one) => one.waitingSinceMs !== null && !awake.has(one.name)))
          for (const lucky of list.filter((one) => one.waitingSinceMs !== null && awake.has(one.name))) {
            const isFirstPart = lucky.hasSlot && lucky.partsSinceSlot < 1;
            expect(isFirstPart || (lucky.waitingSinceMs ?? 0) <= (asleep.waitingSinceMs ?? 0)).toBe(true);
          }
      }),
    );
  });

  it('keeps a slot for one part whoever else comes, as long as all who keep theirs fit', () => {
    fc.assert(
      fc.property(claims, slots, (list, count) => {
        const keepers = list.filter((one) => one.waitingSinceMs !== null && one.hasSlot && one.partsSinceSlot < 1);
        fc.pre(keepers.length <= count);
        const awake = planEncodeSlots(list, count);
        expect(keepers.every((one) => awake.has(one.name))).toBe(true);
      }),
    );
  });

  it('does not depend on the order in which it is asked', () => {
    fc.assert(
      fc.property(claims, slots, fc.infiniteStream(fc.nat()), (list, count, random) => {
        const shuffled = [...list].map((one) => ({ one, at: random.next().value as number })).sort((a, b) => a.at - b.at);
        expect(
          planEncodeSlots(
            shuffled.map(({ one }) => one),
            count,
          ),
        ).toEqual(planEncodeSlots(list, count));
      }),
    );
  });

  it('does not change its mind: who got a slot and made nothing yet keeps it at the next turn', () => {
    fc.assert(
      fc.property(claims, slots, (list, count) => {
        const before = planEncodeSlots(list, count);
        const next = list.map((one) =>
          before.has(one.name)
            ? { ...one, hasSlot: true, partsSinceSlot: one.hasSlot ? one.partsSinceSlot : 0 }
            : { ...one, hasSlot: false },
        );
        expect(planEncodeSlots(next, count)).toEqual(before);
      }),
    );
  });

  it('takes a slot at once from a run that nobody waits for', () => {
    const left = claim('left', { hasSlot: true, lastDemandAtMs: 999 });
    const seek = claim('seek', { waitingSinceMs: 1000 });
    expect(planEncodeSlots([left, seek], 1)).toEqual(new Set(['seek']));
  });

  it('takes it from one waiter for a longer one after a part, not before', () => {
    const long = claim('long', { waitingSinceMs: 1 });
    const short = claim('short', { waitingSinceMs: 9, hasSlot: true });
    expect(planEncodeSlots([long, short], 1)).toEqual(new Set(['short']));
    expect(planEncodeSlots([long, { ...short, partsSinceSlot: 1 }], 1)).toEqual(new Set(['long']));
  });

  it('leaves the read-ahead to the most recent viewer', () => {
    const old = claim('old', { lastDemandAtMs: 1, hasSlot: true, partsSinceSlot: 4 });
    expect(planEncodeSlots([old, claim('recent', { lastDemandAtMs: 2 })], 1)).toEqual(new Set(['recent']));
  });

  it('does without any run', () => {
    expect(planEncodeSlots([], 2)).toEqual(new Set());
  });
});
