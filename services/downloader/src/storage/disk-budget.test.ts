import { expect, it } from 'vitest';
import { BUDGET_RESERVE_BYTES, planEviction, type StoredPiece } from './disk-budget.ts';

const MIB = 1024 * 1024;
const stored = (count: number): StoredPiece[] =>
  Array.from({ length: count }, (_, pieceIndex) => ({ pieceIndex, lengthBytes: 10 * MIB, lastReadAt: count - pieceIndex }));
const nobody = () => false;

it('evicts nothing while there is room', () => {
  expect(planEviction(stored(9), 90 * MIB, 10 * MIB, 100 * MIB, nobody)).toEqual({ evict: [], hasRoom: true });
});

it('evicts what has not been read for longest, a little more than is needed', () => {
  expect(planEviction(stored(10), 100 * MIB, 10 * MIB, 100 * MIB, nobody)).toEqual({ evict: [9, 8], hasRoom: true });
});

it('never evicts what is pinned, and says when that leaves no room', () => {
  const plan = planEviction(stored(10), 100 * MIB, 10 * MIB, 100 * MIB, (pieceIndex) => pieceIndex !== 0);
  expect(plan).toEqual({ evict: [0], hasRoom: true });
  const full = planEviction(stored(10), 100 * MIB + BUDGET_RESERVE_BYTES, 10 * MIB, 100 * MIB, () => true);
  expect(full).toEqual({ evict: [], hasRoom: false });
});
