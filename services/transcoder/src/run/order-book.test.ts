import type { RunOrders } from '@lodestream/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOrderBook } from './order-book.ts';

const FIRST = { demand: 3, hasSlot: true, heldSeconds: 30 };
const NOTHING = { demand: 3, hasSlot: false, heldSeconds: null };
const SOURCE = { url: 'http://127.0.0.1:1/files/0', token: 't' };
const orders = (from: string, change: Partial<RunOrders> = {}): RunOrders => ({
  from,
  until: null,
  touch: [],
  source: SOURCE,
  ...NOTHING,
  ...change,
});

describe('the orders of a run', () => {
  it('are those that it began with until a gateway speaks', () => {
    const book = createOrderBook(FIRST);
    expect(book.together()).toEqual(FIRST);
    book.take(orders('a'), 0);
    expect(book.together()).toEqual(NOTHING);
  });

  it('of one gateway are its last', () => {
    const book = createOrderBook(FIRST);
    book.take(orders('a', { demand: 9, hasSlot: true, heldSeconds: 12 }), 0);
    book.take(orders('a', { demand: 5 }), 10);
    expect(book.together()).toEqual({ ...NOTHING, demand: 5 });
  });

  it('of several are what all of them need', () => {
    const book = createOrderBook(FIRST);
    book.take(orders('a', { demand: 9, heldSeconds: 90 }), 0);
    book.take(orders('b', { demand: 4, hasSlot: true, heldSeconds: 40 }), 1);
    book.take(orders('c'), 2);
    expect(book.together()).toEqual({ demand: 9, hasSlot: true, heldSeconds: 40 });
  });

  it('no longer count when their gateway has been silent while another spoke', () => {
    const book = createOrderBook(FIRST);
    book.take(orders('gone', { demand: 50, hasSlot: true, heldSeconds: 1 }), 0);
    book.take(orders('b'), 15_000);
    expect(book.together().demand).toBe(50);
    book.take(orders('b'), 15_001);
    expect(book.together()).toEqual(NOTHING);
  });

  it('stay what they were when nobody speaks any more', () => {
    const book = createOrderBook(FIRST);
    book.take(orders('a', { demand: 7, hasSlot: true }), 0);
    expect(book.together()).toEqual({ demand: 7, hasSlot: true, heldSeconds: null });
  });

  it('do not depend on who speaks first', () => {
    const wish = fc.record({
      demand: fc.nat(100),
      hasSlot: fc.boolean(),
      heldSeconds: fc.option(fc.nat(1000), { nil: null }),
    });
    fc.assert(
      fc.property(fc.array(wish, { minLength: 1, maxLength: 5 }), (wishes) => {
        const [forward, backward] = [createOrderBook(FIRST), createOrderBook(FIRST)];
        for (const [n, each] of wishes.entries()) forward.take(orders(`${n}`, each), 0);
        for (const [n, each] of [...wishes.entries()].reverse()) backward.take(orders(`${n}`, each), 0);
        expect(forward.together()).toEqual(backward.together());
      }),
    );
  });
});
