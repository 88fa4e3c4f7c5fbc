import type { Server } from 'node:http';
import { delay, withSignal } from '@lodestream/service-kit';

/**
 * How a gateway among several goes without anybody noticing: open → leaving (not ready, still serves) → closing (takes nothing new,
 * finishes what is open) → gone. One that is alone goes from open to gone.
 */
export type Drain = {
  /** False from the first word on: whoever spreads requests sends no more. */
  isReady(): boolean;
  /** Aborts when streams that could go on for hours end: their clients open them again, elsewhere. */
  readonly closing: AbortSignal;
  /** Resolves when every answer has been given, or the time is over. Asked again it is over at once. */
  run(server: Server): Promise<void>;
};

/** Until every proxy of a cluster has heard that this gateway is no longer ready; those that have not still come. */
const HEARD_MS = 5000;
const IDLE_CHECK_MS = 200;

/** `seconds`: for all of it; 0 where no other gateway takes over. */
export function createDrain(seconds: number, heardMs: number = HEARD_MS): Drain {
  const closing = new AbortController();
  const isOver = new AbortController();
  let isReady = true;
  return {
    isReady: () => isReady,
    closing: closing.signal,
    async run(server) {
      if (!isReady) return isOver.abort();
      isReady = false;
      const deadline = AbortSignal.any([isOver.signal, AbortSignal.timeout(seconds * 1000)]);
      await delay(Math.min(heardMs, seconds * 1000), deadline).catch(() => {});
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A connection whose last answer was begun before all this is kept open by its client.
      const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
      await withSignal(closed, deadline).catch(() => {});
      clearInterval(idle);
    },
  };
}
