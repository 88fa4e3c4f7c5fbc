import { setTimeout as sleep } from 'node:timers/promises';

export type WaitOptions = {
  /** What is waited for, in the words of the error: `the seeder announces`. */
  what: string;
  timeoutMs: number;
  /** Pause between two looks; short, because a look is cheap and a test's time is not. */
  intervalMs?: number;
  signal?: AbortSignal | undefined;
};

const DEFAULT_INTERVAL_MS = 25;

/**
 * Looks again and again until `condition` gives a value that is neither null, undefined nor false, and returns it. An
 * exception inside counts as "not yet", and becomes the cause of the error when the time is over.
 */
export async function waitFor<T>(
  condition: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  { what, timeoutMs, intervalMs = DEFAULT_INTERVAL_MS, signal }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const value = await condition();
      if (value !== null && value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`, { cause });
    await sleep(intervalMs, undefined, signal ? { signal } : {});
  }
}
