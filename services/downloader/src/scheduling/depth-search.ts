import { BLOCK_BYTES } from './block.ts';

/** Requests kept outstanding: so much time of the wire's rate. Longer, and a far read queues behind what is stale. */
const QUEUE_MS = 400;
/** The most that is tried: three pulses of transmission, so that the queue still grows from one to the next. */
const QUEUE_MAX_MS = 1600;
const STEP = 2;
/** A pulse says more than a pause: it is what it takes to fill a line of 10 MB/s at the third one. */
const PULSE_STEP = 4;
/** A look at a wire: several of the pauses that clients make (transmission and libtorrent look every 500 ms). */
const EPOCH_MS = 1500;
const EPOCH_MAX_MS = 2500;
/** A longer queue that has not brought so much more is of no use; a shorter one may bring so much less. */
const GAIN = 1.1;
const LOSS = 0.95;
/** After a trial that has failed there is none for some looks, twice as many each time. */
const REST_EPOCHS = 3;
/** What has been found to be of use is left alone for so many looks. */
const KEEP_EPOCHS = 6;
const REST_EPOCHS_MAX = 24;
/** A wire makes pauses when it was silent for so long at a time, and for such a share of the whole. */
const PAUSE_MS = 80;
const PAUSES_SHARE = 0.08;
/** The queue was full for most of the time: else it is we who asked for little, and nothing can be learnt. */
const FULL_SHARE = 0.7;

/** A *pulse*: silence, and then all that is owed at once. The queue had run dry, and is doubled without a longer look. */
const PULSE_SILENCE_MS = 200;
const PULSE_BLOCKS_MIN = 8;
const PULSE_SHARE = 0.9;
/** A pulse may pause for a moment: what fills the buffers of the sender goes on after a round trip. */
const PULSE_GAP_MS = 80;

/**
 * Looks for the shortest queue that a wire is not held back by. Some clients pause: transmission looks at an empty queue
 * every 500 ms, libtorrent with an upload limit hands out what it may send at its ticks of 500 ms. To the first a longer
 * queue gives more, up to what its line carries; to the second it gives nothing, and makes all that becomes urgent wait.
 * From outside they look the same. So a longer queue is tried on a wire that pauses, and kept if more came by it.
 */
export function createDepthSearch() {
  /** What has been found to be of use, in blocks. */
  let foundBlocks = 0;
  let trial: { isLonger: boolean; foundBlocks: number; rate: number } | null = null;
  let isLongerNext = true;
  let restEpochs = 0;
  let nextRestEpochs = REST_EPOCHS;
  let lastAt: number | null = null;
  let epoch = emptyEpoch();
  let pulse: { blocks: number; owed: number } | null = null;

  function begin(isLonger: boolean, depth: number, step = STEP): void {
    if (trial?.isLonger !== isLonger) trial = { isLonger, foundBlocks, rate: epoch.bytes / epoch.ms };
    foundBlocks = isLonger ? depth * step : depth / step;
    epoch = emptyEpoch();
  }

  /** A look is over: was the trial of use, and is there something else to be tried? */
  function judge(depth: number): void {
    const { ms, bytes, pausedMs, blocks, fullBlocks } = epoch;
    if (fullBlocks < blocks * FULL_SHARE) {
      epoch = emptyEpoch();
      return;
    }
    restEpochs = Math.max(restEpochs - 1, 0);
    const hasPauses = pausedMs > ms * PAUSES_SHARE;
    if (trial && bytes / ms < trial.rate * (trial.isLonger ? GAIN : LOSS)) {
      foundBlocks = trial.foundBlocks;
      isLongerNext = !trial.isLonger;
      restEpochs = nextRestEpochs;
      nextRestEpochs = Math.min(nextRestEpochs * 2, REST_EPOCHS_MAX);
    } else if (trial) {
      nextRestEpochs = REST_EPOCHS;
      isLongerNext = trial.isLonger;
      if (trial.isLonger && !hasPauses) restEpochs = KEEP_EPOCHS;
    }
    trial = null;
    const isLonger = hasPauses && (isLongerNext || foundBlocks === 0);
    if (restEpochs === 0 && (isLonger || foundBlocks > 0)) begin(isLonger, depth);
    else epoch = emptyEpoch();
  }

  return {
    /** How many blocks to have outstanding of a wire with this rate. */
    depth(rateBytesPerMs: number): number {
      const blocksOf = (ms: number) => Math.ceil((ms * rateBytesPerMs) / BLOCK_BYTES);
      return Math.min(Math.max(blocksOf(QUEUE_MS), foundBlocks), blocksOf(QUEUE_MAX_MS));
    },
    /** What a wire that pauses was found to need, in blocks; 0 for one that does not. */
    found: () => foundBlocks,
    /** Something is owed again. */
    resume(now: number): void {
      lastAt = now;
    },
    /** Nothing is owed: this time does not count. */
    pause(): void {
      lastAt = null;
      pulse = null;
    },
    /** A block came; `owed` is what is still owed, `depth` what it was allowed to be. */
    received(now: number, bytes: number, owed: number, depth: number): void {
      const silenceMs = now - (lastAt ?? now);
      lastAt = now;
      // A look holds pauses and what follows them: it ends where a pause does, if there is any.
      if (epoch.ms >= EPOCH_MS && (silenceMs > PAUSE_MS || epoch.ms >= EPOCH_MAX_MS)) judge(depth);
      epoch.ms += silenceMs;
      epoch.bytes += bytes;
      epoch.blocks += 1;
      if (owed + 1 >= depth * FULL_SHARE) epoch.fullBlocks += 1;
      if (silenceMs > PAUSE_MS) epoch.pausedMs += silenceMs;
      if (silenceMs > PULSE_SILENCE_MS) pulse = owed + 1 >= depth * PULSE_SHARE ? { blocks: 1, owed: owed + 1 } : null;
      else if (pulse && silenceMs > PULSE_GAP_MS) pulse = null;
      else if (pulse) {
        pulse.blocks += 1;
        if (pulse.blocks >= Math.max(pulse.owed * PULSE_SHARE, PULSE_BLOCKS_MIN)) {
          pulse = null;
          if (restEpochs === 0) begin(true, depth, PULSE_STEP);
        }
      }
    },
  };
}

const emptyEpoch = () => ({ ms: 0, bytes: 0, blocks: 0, fullBlocks: 0, pausedMs: 0 });
