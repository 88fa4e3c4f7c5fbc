import type { Command } from '../src/scheduling/piece-progress.ts';
import { createPieceScheduler } from '../src/scheduling/piece-scheduler.ts';

const BLOCK_BYTES = 16 * 1024;
const BLOCKS = 64;
/** transmission and libtorrent look at what waits every 500 ms. */
const LOOK_MS = 500;
const WINDOW_PIECES = 32;
const TICK_MS = 100;

/**
 * How a peer gives out what is asked for. `plain`: at once. `pulsing` (transmission): goes on while its queue is not empty;
 * once it has run dry it looks again only at its next pulse. `limited` (libtorrent with an upload limit): at every tick what
 * the limit allows, and up to two seconds' worth at once when it has saved that up.
 */
export type SimulatedPeer = {
  kind: 'plain' | 'pulsing' | 'limited';
  lineBytesPerSecond: number;
  delayMs: number;
  /** What the kernel takes between the peer and the line: the peer believes it sent. */
  bufferBytes: number;
  uploadBytesPerSecond: number;
};

export type Simulation = {
  /** Bytes a second that came between two times. */
  rate(fromMs: number, toMs: number): number;
  /** Blocks outstanding, the mean of that time. */
  meanOwed(fromMs: number, toMs: number): number;
};

/** The scheduler alone with one peer, reading in order for so long. No clock, no socket: the same every time. */
export function simulate(peer: SimulatedPeer, lastsMs: number): Simulation {
  const scheduler = createPieceScheduler(() => BLOCKS * BLOCK_BYTES, BLOCKS);
  const line = peer.lineBytesPerSecond / 1000;
  const { schedule, run, clock } = createEvents();
  const samples: { at: number; bytes: number; owed: number }[] = [];
  const asked: Command[] = [];
  let receivedBytes = 0;
  let owed = 0;
  let firstMissing = 0;
  let bufferedBytes = 0;
  let lineFreeAt = 0;
  let isServing = peer.kind === 'plain';
  let allowance = 3 * peer.uploadBytesPerSecond;

  function execute(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.kind !== 'request') continue;
      owed += 1;
      schedule(peer.delayMs, () => {
        asked.push(command);
        serve();
      });
    }
  }

  function serve(isTick = false): void {
    while (asked[0] && bufferedBytes < peer.bufferBytes && maySend(asked[0].lengthBytes, isTick)) send(asked.shift() as Command);
    if (peer.kind === 'pulsing' && asked.length === 0) isServing = false;
  }

  function maySend(bytes: number, isTick: boolean): boolean {
    if (peer.kind !== 'limited') return isServing;
    // libtorrent gives at once only what leaves a second's worth.
    if (allowance - bytes < (isTick ? 0 : peer.uploadBytesPerSecond)) return false;
    allowance -= bytes;
    return true;
  }

  function send(block: Command): void {
    bufferedBytes += block.lengthBytes;
    lineFreeAt = Math.max(lineFreeAt, clock()) + block.lengthBytes / line;
    schedule(lineFreeAt - clock(), () => {
      bufferedBytes -= block.lengthBytes;
      serve();
    });
    schedule(lineFreeAt - clock() + peer.delayMs, () => receive(block));
  }

  function receive({ wireId, pieceIndex, offset, lengthBytes }: Command): void {
    receivedBytes += lengthBytes;
    owed -= 1;
    const { isComplete, commands } = scheduler.blockReceived(wireId, pieceIndex, offset, lengthBytes, clock());
    execute(commands);
    if (isComplete) {
      execute(scheduler.forgetPiece(pieceIndex));
      firstMissing += 1;
      order();
    }
    execute(scheduler.plan(clock()).commands);
  }

  function order(): void {
    const pieces = Array.from({ length: WINDOW_PIECES }, (_, index) => firstMissing + index);
    execute(scheduler.setOrder(pieces, 2).commands);
  }

  function look(): void {
    isServing = true;
    allowance = Math.min(allowance + (peer.uploadBytesPerSecond * LOOK_MS) / 1000, 3 * peer.uploadBytesPerSecond);
    serve(true);
    schedule(LOOK_MS, look);
  }

  function tick(): void {
    samples.push({ at: clock(), bytes: receivedBytes, owed });
    execute(scheduler.plan(clock()).commands);
    schedule(TICK_MS, tick);
  }

  scheduler.addWire(1, { hasPiece: () => true, maxRequests: () => (peer.kind === 'pulsing' ? 512 : 2000) });
  scheduler.setUnchoked(1, true);
  order();
  schedule(0, tick);
  schedule(LOOK_MS / 3, look);
  run(lastsMs);
  const sampleAt = (ms: number) => samples.findLast(({ at }) => at <= ms) as (typeof samples)[number];
  return {
    rate: (fromMs, toMs) => {
      const [from, to] = [sampleAt(fromMs), sampleAt(toMs)];
      return ((to.bytes - from.bytes) / (to.at - from.at)) * 1000;
    },
    meanOwed: (fromMs, toMs) => {
      const between = samples.filter(({ at }) => at >= fromMs && at <= toMs);
      return between.reduce((sum, sample) => sum + sample.owed, 0) / between.length;
    },
  };
}

/** Events in the order of their times, and of their making where those are equal: a heap. */
function createEvents() {
  type Event = { at: number; order: number; happen: () => void };
  const heap: Event[] = [];
  let now = 0;
  let made = 0;
  const isBefore = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order);

  function schedule(afterMs: number, happen: () => void): void {
    const event = { at: now + afterMs, order: made++, happen };
    let place = heap.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (isBefore(heap[parent] as Event, event)) break;
      heap[place] = heap[parent] as Event;
      place = parent;
    }
    heap[place] = event;
  }

  function take(): Event {
    const first = heap[0] as Event;
    const last = heap.pop() as Event;
    for (let place = 0; heap.length > 0; ) {
      let child = 2 * place + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child += 1;
      if (child >= heap.length || isBefore(last, heap[child] as Event)) {
        heap[place] = last;
        break;
      }
      heap[place] = heap[child] as Event;
      place = child;
    }
    return first;
  }

  function run(untilMs: number): void {
    while (heap[0] && heap[0].at < untilMs) {
      const event = take();
      now = event.at;
      event.happen();
    }
  }
  return { schedule, run, clock: () => now };
}
