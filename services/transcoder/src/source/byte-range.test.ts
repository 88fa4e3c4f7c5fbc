import { expect, test } from 'vitest';
import { parseContentRange, parseRange } from './byte-range.ts';

test.each([
  [undefined, undefined],
  ['bytes=0-', { start: 0, end: 100 }],
  ['bytes=10-19', { start: 10, end: 20 }],
  ['bytes=99-500', { start: 99, end: 100 }],
  ['bytes=100-', null],
  ['bytes=20-10', null],
  ['bytes=-5', null],
  ['bytes=0-1,5-6', null],
  ['items=0-', null],
])('Range %s', (header, range) => {
  expect(parseRange(header, 100)).toEqual(range);
});

test.each([
  ['bytes 0-9/100', { start: 0, end: 10, lengthBytes: 100 }],
  ['bytes */100', null],
  ['bytes 0-9/*', null],
  [undefined, null],
])('Content-Range %s', (header, range) => {
  expect(parseContentRange(header)).toEqual(range);
});
