import { BLOCK_BYTES } from './block.ts';

/** A wire has proven itself after so much busy time or so many bytes, whichever comes first. */
const PROVEN_MS = 250;
const PROVEN_BYTES = 32 * BLOCK_BYTES;
/**
 * The rate is bytes by busy time, both forgotten with this time constant. Samples of some blocks each would not do: where
 * a wire sends in bursts, most samples lie inside of a burst, and their mean is many times the rate.
 */
const MEMORY_MS = 2000;
/** Until a wire has answered: a guess between a neighbour and another continent. */
const PING_GUESS_MS = 80;
const PING_WEIGHT = 0.3;

/**
 * A wire *pulses* when it owed blocks, was silent for so long, and then sent all that it owed at once: transmission looks
 * at an empty queue every 500 ms. It gets a deeper queue, if the queue was full: fewer blocks than that only say that we
 * wanted no more. One that sends a part at once (a peer with an upload limit) has enough to do, and a deep queue would
 * only delay what becomes urgent.
 */
const PULSE_SILENCE_MS = 200;
const PULSE_BLOCKS_MIN = 8;
const PULSE_SHARE = 0.9;
const PULSE_GAP_MS = 15;
/** 1.6 s of its rate: more than three pulses, so that the queue still grows from one to the next. */
const PULSE_MAX = 4;

/** Requests kept outstanding: this much time of the wire's rate. Longer, and a far read queues behind what is stale. */
const DEPTH_SECONDS = 0.4;
const DEPTH_MIN = 8;
const DEPTH_MAX = 500;
/** A wire that has proven nothing gets a full queue when it is alone, and little when a good wire stands beside it. */
const DEPTH_UNPROVEN_ALONE = 64;
const DEPTH_UNPROVEN = 4;
/** What a wire without a rate is taken for when an answer time has to be guessed. */
const RATE_GUESS_BYTES_PER_MS = 128;
/** After so much silence with blocks owed, a wire's rate no longer counts as what it was. */
const STALL_MS = 600;

/**
 * What we know of a wire's speed: bytes per *busy* second (from the first outstanding request on), so that an idle wire
 * does not forget it; the time to a first answer; and whether it sends in pulses. Clock in, numbers out.
 */
export type WireMeter = {
  requested(now: number): void;
  /** `outstanding` is what is still owed after this block. */
  received(now: number, bytes: number, outstanding: number): void;
  /** Blocks were withdrawn or refused and nothing is owed any more. */
  idle(): void;
  isProven(): boolean;
  /** How many requests may be outstanding. */
  depth(isAnotherProven: boolean, maxRequests: number): number;
  /** When a block asked for now would be here, in ms, with so many owed before it. */
  etaMs(now: number, outstanding: number): number;
};

export function createWireMeter(): WireMeter {
  let rateBytesPerMs = 0;
  let pingMs = PING_GUESS_MS;
  let pulse = 1;
  let busySince: number | null = null;
  let isAnswering = false;
  let lastBlockAt = 0;
  let countedUntil = 0;
  let busyMs = 0;
  let busyBytes = 0;
  let burst: { blocks: number; owed: number } | null = null;
  let lastDepth = Number.POSITIVE_INFINITY;

  return {
    requested(now) {
      if (busySince !== null) return;
      busySince = now;
      countedUntil = now;
      isAnswering = false;
      lastBlockAt = now;
    },
    received(now, bytes, outstanding) {
      if (busySince === null) return;
      const silenceMs = now - lastBlockAt;
      if (!isAnswering) {
        isAnswering = true;
        pingMs += (silenceMs - pingMs) * PING_WEIGHT;
      }
      if (silenceMs > PULSE_SILENCE_MS)
        burst = outstanding + 1 >= lastDepth * PULSE_SHARE ? { blocks: 1, owed: outstanding + 1 } : null;
      else if (burst) {
        burst.blocks += 1;
        if (silenceMs > PULSE_GAP_MS) {
          if (burst.blocks < burst.owed / 2) pulse = Math.max(pulse / 2, 1);
          burst = null;
        } else if (burst.blocks >= Math.max(burst.owed * PULSE_SHARE, PULSE_BLOCKS_MIN)) {
          pulse = Math.min(pulse * 2, PULSE_MAX);
          burst = null;
        }
      }
      lastBlockAt = now;
      const elapsedMs = now - countedUntil;
      countedUntil = now;
      const kept = Math.exp(-elapsedMs / MEMORY_MS);
      busyMs = busyMs * kept + elapsedMs;
      busyBytes = busyBytes * kept + bytes;
      if (rateBytesPerMs > 0 || busyMs >= PROVEN_MS || busyBytes >= PROVEN_BYTES)
        rateBytesPerMs = busyBytes / Math.max(busyMs, 1);
      if (outstanding === 0) busySince = null;
    },
    idle() {
      busySince = null;
    },
    isProven: () => rateBytesPerMs > 0,
    depth(isAnotherProven, maxRequests) {
      const cap = Math.min(maxRequests, DEPTH_MAX);
      if (rateBytesPerMs === 0) return Math.min(cap, isAnotherProven ? DEPTH_UNPROVEN : DEPTH_UNPROVEN_ALONE);
      const blocks = Math.ceil((pulse * DEPTH_SECONDS * 1000 * rateBytesPerMs) / BLOCK_BYTES);
      lastDepth = Math.min(Math.max(blocks, DEPTH_MIN), cap);
      return lastDepth;
    },
    etaMs(now, outstanding) {
      const silenceMs = busySince !== null && outstanding > 0 ? now - lastBlockAt : 0;
      const known = rateBytesPerMs || RATE_GUESS_BYTES_PER_MS;
      const rate = silenceMs > STALL_MS + pingMs ? known * (STALL_MS / silenceMs) ** 2 : known;
      return pingMs + ((outstanding + 1) * BLOCK_BYTES) / rate;
    },
  };
}
