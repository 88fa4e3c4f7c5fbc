import { expect, it } from 'vitest';
import { judgeFrames } from './frame-oracle.ts';

const frameRate = { num: 25, den: 1 };
const wrong = (...frames: Parameters<typeof judgeFrames>[0]) => judgeFrames(frames, { frameRate }).length;

it('a picture is that of its time, or the one beside it', () => {
  expect(wrong({ number: 250, mediaTimeSeconds: 10, shownAtMs: 0 }, { number: 251, mediaTimeSeconds: 10, shownAtMs: 0 })).toBe(0);
  expect(wrong({ number: 253, mediaTimeSeconds: 10, shownAtMs: 0 })).toBe(1);
});

it('one that was looked at late is as much further, never back', () => {
  expect(wrong({ number: 255, mediaTimeSeconds: 10, shownAtMs: 0, lateSeconds: 0.2 })).toBe(0);
  expect(wrong({ number: 245, mediaTimeSeconds: 10, shownAtMs: 0, lateSeconds: 0.2 })).toBe(1);
});

it('one that was itself shown late is followed at once by what the clock has reached, and by nothing beyond', () => {
  const late = { mediaTimeSeconds: 10, shownAtMs: 0, clockSeconds: 10.4 };
  expect(wrong({ number: 250, ...late }, { number: 261, ...late })).toBe(0);
  expect(wrong({ number: 262, ...late }, { number: 248, ...late })).toBe(2);
  expect(wrong({ number: 280, mediaTimeSeconds: 10, shownAtMs: 0, clockSeconds: 10.9 })).toBe(1);
});

it('one whose place a seek has left is of the old place or of the new one, and of no other', () => {
  const left = { mediaTimeSeconds: 10, shownAtMs: 0, leftForSeconds: 40 };
  expect(wrong({ number: 250, ...left }, { number: 1000, ...left })).toBe(0);
  expect(wrong({ number: 500, ...left })).toBe(1);
});
