import { expect, it } from 'vitest';
import { createTrust } from './trust.ts';

const RATES = new Map([
  [1, 10],
  [2, 500],
  [3, 100],
]);
const build = () => createTrust((wireId) => RATES.get(wireId) ?? 0);

it('of senders of whom nothing is known the fastest is the witness, and the others are suspects', () => {
  expect(build().pickWitness([1, 2, 3])).toEqual({ witness: 2, suspects: [3, 1] });
  expect(build().pickWitness([])).toEqual({ witness: null, suspects: [] });
});

it('who has helped to make a right piece is asked before who has not, the fastest first', () => {
  const trust = build();
  trust.credit([1, 3]);
  expect(trust.pickWitness([1, 2, 3])).toEqual({ witness: 3, suspects: [1, 2] });
});

it('who has helped eight times is no suspect', () => {
  const trust = build();
  for (let piece = 0; piece < 8; piece++) trust.credit([1, 3]);
  expect(trust.pickWitness([1, 2, 3])).toEqual({ witness: 3, suspects: [2] });
});

it('remembers the last 500 alone', () => {
  const trust = build();
  for (let wireId = 1; wireId <= 501; wireId++) trust.credit([wireId]);
  expect(trust.pickWitness([1, 501]).witness).toBe(501);
});
