import { expect, it } from 'vitest';
import { locateByte, pieceLengthAt, pieceSpan } from './piece-span.ts';

it.each([
  [0, 10, 0, 1],
  [9, 11, 0, 2],
  [10, 20, 1, 2],
  [5, 5, 0, 0],
  [0, 25, 0, 3],
])('bytes [%i, %i) lie in pieces [%i, %i) of 10 bytes', (start, end, first, endPiece) => {
  expect(pieceSpan({ start, end }, 10)).toEqual({ first, end: endPiece });
});

it('the last piece has what is left', () => {
  expect([0, 1, 2].map((index) => pieceLengthAt(index, 10, 25))).toEqual([10, 10, 5]);
  expect(locateByte(23, 10)).toEqual({ pieceIndex: 2, offset: 3 });
});
