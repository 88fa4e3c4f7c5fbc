import fc from 'fast-check';
import { expect, it } from 'vitest';
import { splitByFile, takeRun, type WantedBlock } from './block-run.ts';

const block = (start: number, lengthBytes = 10): WantedBlock => ({ pieceIndex: 0, offset: start, lengthBytes, start });

it('a run is the first block and what follows it without a gap', () => {
  const queue = [block(20), block(40), block(30), block(100), block(10)];
  const { run, rest } = takeRun(queue, 1000);
  expect(run.map((each) => each.start)).toEqual([20, 30, 40]);
  expect(rest.map((each) => each.start)).toEqual([100, 10]);
});

it('a run ends at the limit, but is never nothing', () => {
  expect(takeRun([block(0), block(10), block(20)], 20).run).toHaveLength(2);
  expect(takeRun([block(0), block(10)], 5).run).toHaveLength(1);
  expect(takeRun([], 5)).toEqual({ run: [], rest: [] });
});

it('taken run by run, every block is taken once', () => {
  const starts = fc.uniqueArray(fc.nat(40), { maxLength: 40 });
  fc.assert(
    fc.property(starts, fc.integer({ min: 1, max: 100 }), (places, bytesMax) => {
      let queue = places.map((place) => block(place * 10));
      const seen: number[] = [];
      while (queue.length > 0) {
        const { run, rest } = takeRun(queue, bytesMax);
        expect(run.every((each, index) => each.start === (run[0] as WantedBlock).start + index * 10)).toBe(true);
        seen.push(...run.map((each) => each.start / 10));
        queue = rest;
      }
      expect(seen.sort((a, b) => a - b)).toEqual(places.sort((a, b) => a - b));
    }),
  );
});

it('parts tile the bytes, each inside its file, with the padding marked', () => {
  const lengths = fc.array(fc.record({ lengthBytes: fc.nat(20), isPadding: fc.boolean() }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(lengths, fc.nat(), fc.nat(), (shapes, a, b) => {
      let total = 0;
      const files = shapes.map((shape, index) => {
        const file = { ...shape, index, offset: total };
        total += shape.lengthBytes;
        return file;
      });
      const [start, end] = [a % (total + 1), b % (total + 1)].sort((x, y) => x - y) as [number, number];
      let at = start;
      for (const part of splitByFile(start, end, files)) {
        const file = files[part.fileIndex] as (typeof files)[number];
        expect(file.offset + part.start).toBe(at);
        expect(part.end).toBeLessThanOrEqual(file.lengthBytes);
        expect(part.isPadding).toBe(file.isPadding);
        at = file.offset + part.end;
      }
      expect(at).toBe(end);
    }),
  );
});
