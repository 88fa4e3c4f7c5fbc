import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planSuspects, SUSPECTS_MAX } from './suspects.ts';

it('names the last that connected, each once, youngest last', () => {
  expect(planSuspects([])).toEqual([]);
  expect(planSuspects(['a:1', 'b:1', 'a:1', 'c:1'])).toEqual(['b:1', 'a:1', 'c:1']);
  const many = Array.from({ length: 50 }, (_, index) => `10.0.0.${index}:1`);
  expect(planSuspects(many)).toEqual(many.slice(-SUSPECTS_MAX));
});

it('never names more than the limit, and always the very last', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 200 }), (numbers) => {
      const connected = numbers.map(String);
      const suspects = planSuspects(connected);
      expect(suspects.length).toBeLessThanOrEqual(SUSPECTS_MAX);
      expect(new Set(suspects).size).toBe(suspects.length);
      expect(suspects.at(-1)).toBe(connected.at(-1));
    }),
  );
});
