import { expect, it } from 'vitest';
import { measureSpeed } from './measure-speed.ts';

const secondsAPart = 0.5;

it('is not known before the first part, nor a moment after it', () => {
  expect(measureSpeed({ partsMade: 0, secondsAPart, awakeMs: 5000, awakeMsAtFirstPart: undefined })).toBe(0);
  expect(measureSpeed({ partsMade: 4, secondsAPart, awakeMs: 5100, awakeMsAtFirstPart: 5000 })).toBe(0);
});

it('is that of the encoder under way, however long it took to start', () => {
  const soon = measureSpeed({ partsMade: 9, secondsAPart, awakeMs: 1500, awakeMsAtFirstPart: 1000 });
  const late = measureSpeed({ partsMade: 9, secondsAPart, awakeMs: 60_500, awakeMsAtFirstPart: 60_000 });
  expect([soon, late]).toEqual([8, 8]);
});
