/**
 * How long a process has made no progress although it could have: the clock stands still while it is asleep or waits for
 * the source (architecture §7, watchdogs).
 */
export type ProgressClock = { observe(facts: { progress: number; isExcused: boolean }, nowMs: number): number };

export function createProgressClock(nowMs: number): ProgressClock {
  let lastProgress = 0;
  let lastAtMs = nowMs;
  let silentMs = 0;
  return {
    /** Milliseconds of silence up to now. */
    observe({ progress, isExcused }, atMs) {
      if (progress !== lastProgress) silentMs = 0;
      else if (!isExcused) silentMs += atMs - lastAtMs;
      lastProgress = progress;
      lastAtMs = atMs;
      return silentMs;
    },
  };
}
