import { BLOCK_BYTES } from './block.ts';
import { createDepthSearch } from './depth-search.ts';

/** A wire has proven itself after so much busy time or so many bytes, whichever comes first. */
const PROVEN_MS = 250;
const PROVEN_BYTES = 32 * BLOCK_BYTES;
/**
 * The rate is bytes by busy time, both forgotten with this time constant. Samples of some blocks each would not do: where
 * a wire sends in bursts, most samples lie inside of a burst, and their mean is many times the rate.
 */
const MEMORY_MS = 2000;
/** And of no shorter time: what a peer with an upload limit has saved up comes at once, and is not its rate. */
const BASE_MS = 300;
/** Until a wire has answered: a guess between a neighbour and another continent. */
const PING_GUESS_MS = 80;
const PING_WEIGHT = 0.3;

const DEPTH_MIN = 8;
const DEPTH_MAX = 500;
/** What a wire without a rate is taken for when an answer time has to be guessed. */
const RATE_GUESS_BYTES_PER_MS = 128;
/** After so much silence with blocks owed, a wire's rate no longer counts as what it was. */
const STALL_MS = 600;

/**
 * What we know of a wire's speed: bytes per *busy* second (from the first outstanding request on), so that an idle wire
 * does not forget it; the time to a first answer; and how long a queue it wants. Clock in,
 * numbers out.
 */
export type WireMeter = {
  requested(now: number): void;
  /** `outstanding` is what is still owed after this block. */
  received(now: number, bytes: number, outstanding: number): void;
  /** Blocks were withdrawn or refused and nothing is owed any more. */
  idle(): void;
  isProven(): boolean;
  /** Bytes per busy millisecond, as far as is known. */
  rate(): number;
  /** How many requests may be outstanding; `unprovenDepth` as long as it has not proven itself. */
  depth(unprovenDepth: number, maxRequests: number): number;
  /** Of `depth`, what only a wire that pauses needs: without so much to ask for, it would wait for us. 0 for others. */
  pauseDepth(): number;
  /** When a block asked for now would be here, in ms, with so many owed before it. */
  etaMs(now: number, outstanding: number): number;
};

export function createWireMeter(): WireMeter {
  const search = createDepthSearch();
  let rateBytesPerMs = 0;
  let pingMs = PING_GUESS_MS;
  let busySince: number | null = null;
  let isAnswering = false;
  let lastBlockAt = 0;
  let countedUntil = 0;
  let busyMs = 0;
  let busyBytes = 0;
  let lastDepth = DEPTH_MAX;

  function stop(): void {
    busySince = null;
    search.pause();
  }

  return {
    requested(now) {
      if (busySince !== null) return;
      busySince = now;
      countedUntil = now;
      isAnswering = false;
      lastBlockAt = now;
      search.resume(now);
    },
    received(now, bytes, outstanding) {
      if (busySince === null) return;
      const silenceMs = now - lastBlockAt;
      if (!isAnswering) {
        isAnswering = true;
        pingMs += (silenceMs - pingMs) * PING_WEIGHT;
      }
      lastBlockAt = now;
      search.received(now, bytes, outstanding, lastDepth);
      const elapsedMs = now - countedUntil;
      countedUntil = now;
      const kept = Math.exp(-elapsedMs / MEMORY_MS);
      busyMs = busyMs * kept + elapsedMs;
      busyBytes = busyBytes * kept + bytes;
      if (rateBytesPerMs > 0 || busyMs >= PROVEN_MS || busyBytes >= PROVEN_BYTES)
        rateBytesPerMs = busyBytes / Math.max(busyMs, BASE_MS);
      if (outstanding === 0) stop();
    },
    idle: stop,
    isProven: () => rateBytesPerMs > 0,
    rate: () => busyBytes / Math.max(busyMs, BASE_MS),
    depth(unprovenDepth, maxRequests) {
      const blocks = rateBytesPerMs === 0 ? unprovenDepth : Math.max(search.depth(rateBytesPerMs), DEPTH_MIN);
      lastDepth = Math.min(blocks, DEPTH_MAX, maxRequests);
      return lastDepth;
    },
    pauseDepth: () => (search.found() === 0 ? 0 : lastDepth),
    etaMs(now, outstanding) {
      const silenceMs = busySince !== null && outstanding > 0 ? now - lastBlockAt : 0;
      const known = rateBytesPerMs || RATE_GUESS_BYTES_PER_MS;
      const rate = silenceMs > STALL_MS + pingMs ? known * (STALL_MS / silenceMs) ** 2 : known;
      return pingMs + ((outstanding + 1) * BLOCK_BYTES) / rate;
    },
  };
}
