import { setTimeout as sleep } from 'node:timers/promises';

const ASK_AGAIN_MS = 50;

/** Asks again and again, as a player does, until the first byte of a good answer; gives the wait in ms. */
export async function readFirstByte(url: string, timeoutMs: number): Promise<number> {
  const startedAt = performance.now();
  const signal = AbortSignal.timeout(timeoutMs);
  for (;;) {
    const leave = new AbortController();
    try {
      const response = await fetch(url, { signal: AbortSignal.any([signal, leave.signal]) });
      const first = response.status === 200 ? await response.body?.getReader().read() : undefined;
      if (first?.value?.length) return performance.now() - startedAt;
    } catch (error) {
      if (signal.aborted) throw error;
    } finally {
      leave.abort();
    }
    await sleep(ASK_AGAIN_MS, undefined, { signal });
  }
}
