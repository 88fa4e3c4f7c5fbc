import { expect, test } from 'vitest';
import { createProgressClock } from './progress-clock.ts';

test('it counts silence only while nothing excuses it, and progress sets it back', () => {
  const clock = createProgressClock(0);
  const at = (nowMs: number, progress: number, isExcused = false) => clock.observe({ progress, isExcused }, nowMs);
  expect([at(1000, 1), at(2000, 1), at(9000, 1, true), at(10_000, 1), at(11_000, 2), at(11_500, 2)]).toEqual([
    0, 1000, 1000, 2000, 0, 500,
  ]);
});
