import { expect, it } from 'vitest';
import { createPieceBits } from './piece-bits.ts';

it('counts, sets and clears', () => {
  const bits = createPieceBits(10);
  for (const index of [0, 9, 9]) bits.set(index, true);
  expect([bits.count(), bits.has(9), bits.has(8), bits.has(99)]).toEqual([2, true, false, false]);
  bits.set(9, false);
  expect(bits.count()).toBe(1);
});

it('a slice begins in the highest bit', () => {
  const bits = createPieceBits(20);
  for (const index of [3, 5, 19]) bits.set(index, true);
  expect([...bits.slice(3, 6)]).toEqual([0b1010_0000]);
  expect([...bits.slice(11, 20)]).toEqual([0, 0b1000_0000]);
  expect([...bits.slice(4, 4)]).toEqual([]);
});
