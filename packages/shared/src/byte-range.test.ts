import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatContentRange, planRange } from './byte-range.ts';

const ETAG = '"abc-0"';
const plan = (range: string | undefined, lengthBytes = 1000, ifRange?: string) =>
  planRange({ range, ifRange }, ETAG, lengthBytes);
const part = (start: number, end: number) => ({ kind: 'part', range: { start, end } });
const WHOLE = { kind: 'whole' };
const UNSATISFIABLE = { kind: 'unsatisfiable' };

it.each([
  [undefined, WHOLE],
  ['bytes=0-0', part(0, 1)],
  ['bytes=0-', part(0, 1000)],
  ['bytes=10-19', part(10, 20)],
  ['bytes=999-', part(999, 1000)],
  ['bytes=990-2000', part(990, 1000)],
  ['bytes=0-99999999999999999999999999', part(0, 1000)],
  ['bytes=-1', part(999, 1000)],
  ['bytes=-2000', part(0, 1000)],
  ['BYTES=1-2', part(1, 3)],
  ['bytes= 1-2 ', part(1, 3)],
  ['bytes=1 - 2', part(1, 3)],
  ['bytes=1000-', UNSATISFIABLE],
  ['bytes=99999999999999999999999999-', UNSATISFIABLE],
  ['bytes=-0', UNSATISFIABLE],
  ['bytes=5-4', UNSATISFIABLE],
  ['bytes=abc', UNSATISFIABLE],
  ['bytes=1-x', UNSATISFIABLE],
  ['bytes=-', UNSATISFIABLE],
  ['bytes=', WHOLE],
  ['bytes', WHOLE],
  ['', WHOLE],
  ['bytes=0-1,3-4', WHOLE],
  ['bytes=+1-2', UNSATISFIABLE],
  ['bytes=1.5-2', UNSATISFIABLE],
  ['items=1-2', WHOLE],
])('Range %s of 1,000 bytes is %o', (range, outcome) => {
  expect(plan(range)).toEqual(outcome);
});

it('an empty file has no range that can be satisfied', () => {
  expect(plan('bytes=0-', 0)).toEqual(UNSATISFIABLE);
  expect(plan('bytes=-5', 0)).toEqual(UNSATISFIABLE);
  expect(plan(undefined, 0)).toEqual(WHOLE);
});

it.each([
  [ETAG, part(1, 3)],
  ['"other"', WHOLE],
  [`W/${ETAG}`, WHOLE],
  ['Sat, 21 Nov 2026 12:00:00 GMT', WHOLE],
])('If-Range %s', (ifRange, outcome) => {
  expect(plan('bytes=1-2', 1000, ifRange)).toEqual(outcome);
});

it('any header gives a range inside of the file, or none', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.nat(2000), (text, lengthBytes) => {
      for (const range of [text, `bytes=${text}`]) {
        const outcome = plan(range, lengthBytes);
        if (outcome.kind !== 'part') continue;
        expect(outcome.range.start).toBeGreaterThanOrEqual(0);
        expect(outcome.range.start).toBeLessThan(outcome.range.end);
        expect(outcome.range.end).toBeLessThanOrEqual(lengthBytes);
      }
    }),
  );
});

it('Content-Range counts inclusively', () => {
  expect(formatContentRange({ start: 0, end: 1 }, 10)).toBe('bytes 0-0/10');
});
