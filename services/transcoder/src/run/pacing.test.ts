import { expect, test } from 'vitest';
import { type PacingFacts, pickPace } from './pacing.ts';

const facts: PacingFacts = {
  kind: 'video',
  isAsleep: false,
  madeParts: 0,
  ownParts: 0,
  ageMs: 60_000,
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
  ['sound: a quarter of a segment of lead', { kind: 'audio', madeParts: 25 }, 'sleep'],
  ['sound: a part less', { kind: 'audio', madeParts: 24 }, 'stay'],
  ['sound: it sleeps, and all that was asked for is there', { kind: 'audio', madeParts: 25, isAsleep: true }, 'stay'],
  ['sound: the next segment is asked for', { kind: 'audio', madeParts: 25, isAsleep: true, demandedSegment: 1 }, 'wake'],
  [
    'sound: far beyond where it should have stopped',
    { kind: 'audio', madeParts: 39, isAsleep: true, demandedSegment: 1 },
    'wake',
  ],
  ['sound that has just begun: what playing begins with', { kind: 'audio', ownParts: 7, madeParts: 7, ageMs: 300 }, 'stay'],
  ['and then it leaves the CPU to the picture', { kind: 'audio', ownParts: 8, madeParts: 8, ageMs: 300 }, 'sleep'],
  ['for a moment', { kind: 'audio', ownParts: 8, madeParts: 8, ageMs: 2499, isAsleep: true }, 'stay'],
  ['and goes on', { kind: 'audio', ownParts: 8, madeParts: 8, ageMs: 2500, isAsleep: true }, 'wake'],
  ['a picture does not', { ownParts: 8, madeParts: 8, ageMs: 300 }, 'stay'],
])('%s', (_title, more, pace) => {
  expect(pickPace({ ...facts, ...more })).toBe(pace);
});
