import { describe, expect, it } from 'vitest';
import { clampSeek, isBuffered, planSeekDelayMs, SEEK_DEBOUNCE_MS } from './seek-plan.ts';
import { planWatchdogStep } from './seek-watchdog.ts';

const spans = [
  { startSeconds: 0, endSeconds: 12 },
  { startSeconds: 60, endSeconds: 70 },
];

describe('a seek', () => {
  it('is at once inside what is buffered, and rests before what is not', () => {
    expect(planSeekDelayMs(spans, 3)).toBe(0);
    expect(planSeekDelayMs(spans, 65)).toBe(0);
    expect(planSeekDelayMs(spans, 30)).toBe(SEEK_DEBOUNCE_MS);
    expect(planSeekDelayMs([], 0)).toBe(SEEK_DEBOUNCE_MS);
    expect([1, 2, 9].map((loads) => planSeekDelayMs([], 0, loads))).toEqual([4 * SEEK_DEBOUNCE_MS, 1000, 1000]);
    expect(planSeekDelayMs(spans, 3, 9)).toBe(0);
  });

  it('does not count the last moment of a span as here', () => {
    expect(isBuffered(spans, 11.8)).toBe(false);
    expect(isBuffered(spans, 11.4)).toBe(true);
  });

  it('stays in the film', () => {
    expect(clampSeek(-5, 100)).toBe(0);
    expect(clampSeek(500, 100)).toBe(99.8);
    expect(clampSeek(50, 100)).toBe(50);
    expect(clampSeek(50, Number.NaN)).toBe(50);
  });
});

describe('the watchdog after a seek', () => {
  const facts = { bufferedSinceMs: 0, hasNewFrame: false, isHidden: false, stepsTaken: 0 };

  it('waits while the data is not there, however long', () => {
    expect(planWatchdogStep({ ...facts, bufferedSinceMs: null }, 1e9)).toBe('wait');
    expect(planWatchdogStep(facts, 2_999)).toBe('wait');
  });

  it('sets the time again, then rebuilds, then leaves it', () => {
    expect(planWatchdogStep(facts, 3_000)).toBe('set-time-again');
    expect(planWatchdogStep({ ...facts, stepsTaken: 1 }, 3_500)).toBe('wait');
    expect(planWatchdogStep({ ...facts, stepsTaken: 1 }, 6_000)).toBe('recover-media');
    expect(planWatchdogStep({ ...facts, stepsTaken: 2 }, 9_000)).toBe('stop');
  });

  it('is content with a picture, and does not judge a hidden tab', () => {
    expect(planWatchdogStep({ ...facts, hasNewFrame: true }, 9_000)).toBe('stop');
    expect(planWatchdogStep({ ...facts, isHidden: true }, 9_000)).toBe('wait');
  });
});
