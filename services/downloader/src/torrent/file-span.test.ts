import type { MetainfoFile } from '@lodestream/shared';
import { expect, it } from 'vitest';
import { planPreparedPieces } from './file-span.ts';

const MIB = 1024 * 1024;
const file = (path: string, offset: number, lengthBytes: number): MetainfoFile => ({
  index: 0,
  path,
  offset,
  lengthBytes,
  kind: 'video',
  isPadding: false,
  rawPath: [path],
});

it('head first, then the tail from its end', () => {
  expect(planPreparedPieces(file('a.mkv', 0, 100 * MIB), MIB / 2)).toEqual([0, 1, 199, 198]);
});

it('the tail of an mp4 is 2 % of it, at most 8 MiB', () => {
  expect(planPreparedPieces(file('a.mp4', 0, 200 * MIB), MIB)).toEqual([0, 199, 198, 197, 196]);
  expect(planPreparedPieces(file('a.mp4', 0, 4000 * MIB), MIB)).toHaveLength(9);
});

it('a file in the middle of the torrent, a tiny and an empty one', () => {
  expect(planPreparedPieces(file('a.mkv', 10 * MIB + 5, 4 * MIB), MIB)).toEqual([10, 11, 14, 13]);
  expect(planPreparedPieces(file('a.mkv', 10, 20), MIB)).toEqual([0]);
  expect(planPreparedPieces(file('a.mkv', 10, 0), MIB)).toEqual([]);
});
