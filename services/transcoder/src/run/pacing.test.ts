import { expect, test } from 'vitest';
import { type PacingFacts, pickPace } from './pacing.ts';

const facts: PacingFacts = {
  kind: 'video',
  isAsleep: false,
  madeParts: 0,
  demandedSegment: 0,
  partsPerSegment: 20,
  hasSlot: true,
};

test.each<[string, Partial<PacingFacts>, ReturnType<typeof pickPace>]>([
  ['just started', {}, 'stay'],
  ['without a slot', { hasSlot: false }, 'sleep'],
  ['without a slot it does not wake either', { hasSlot: false, isAsleep: true }, 'stay'],
  ['a part below eight segments of lead', { madeParts: 9 * 20 - 1 }, 'stay'],
  ['eight segments of lead', { madeParts: 9 * 20 }, 'sleep'],
  ['still more than four', { madeParts: 9 * 20, isAsleep: true, demandedSegment: 3 }, 'stay'],
  ['four', { madeParts: 9 * 20, isAsleep: true, demandedSegment: 4 }, 'wake'],
  ['the viewer is ahead of it', { madeParts: 20, isAsleep: true, demandedSegment: 50 }, 'wake'],
  ['sound: two segments of lead', { kind: 'audio', madeParts: 60 }, 'sleep'],
  ['sound: a part less', { kind: 'audio', madeParts: 59 }, 'stay'],
  ['sound: one segment of lead', { kind: 'audio', madeParts: 60, isAsleep: true, demandedSegment: 1 }, 'wake'],
])('%s', (_title, more, pace) => {
  expect(pickPace({ ...facts, ...more })).toBe(pace);
});
