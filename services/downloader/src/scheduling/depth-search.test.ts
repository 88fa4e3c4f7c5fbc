import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SimulatedPeer, simulate } from '../../test/simulated-peer.ts';
import { BLOCK_BYTES } from './block.ts';
import { createDepthSearch } from './depth-search.ts';

const LASTS_MS = 24_000;
/** From here on it has had the time to look around. */
const SETTLED_MS = 6000;
const RUNS = { numRuns: 25 };

/** From 300 kB/s to 15 MB/s: what 500 blocks at a pulse of 500 ms carry. */
const line = fc.record({
  lineBytesPerSecond: fc.integer({ min: 300, max: 15_000 }).map((kilobytes) => kilobytes * 1000),
  delayMs: fc.integer({ min: 1, max: 60 }),
  bufferBytes: fc.integer({ min: 100_000, max: 8_000_000 }),
});
const look = (peer: SimulatedPeer) => {
  const simulation = simulate(peer, LASTS_MS);
  const rate = simulation.rate(SETTLED_MS, LASTS_MS - TICK_MS);
  return { simulation, rate, queuedBytes: simulation.meanOwed(SETTLED_MS, LASTS_MS) * BLOCK_BYTES };
};
const TICK_MS = 100;

describe('the queue of a wire', () => {
  it('fills the line of a peer that looks at an empty queue every 500 ms, whatever the line', () => {
    fc.assert(
      fc.property(line, (peer) => {
        const { rate } = look({ kind: 'pulsing', uploadBytesPerSecond: 0, ...peer });
        expect(rate / peer.lineBytesPerSecond).toBeGreaterThan(0.85);
      }),
      RUNS,
    );
  });

  it('fills a line of 10 MB/s and 25 ms within two seconds, from a peer of which nothing is known', () => {
    const peer = { lineBytesPerSecond: 10_000_000, delayMs: 25, bufferBytes: 4_000_000, uploadBytesPerSecond: 0 };
    const simulation = simulate({ kind: 'pulsing', ...peer }, LASTS_MS);
    expect(simulation.rate(2000, LASTS_MS - TICK_MS) / peer.lineBytesPerSecond).toBeGreaterThan(0.95);
  });

  it('grows at a pulse, also at one that stops for a round trip when the buffers of the sender are full', () => {
    const search = createDepthSearch();
    search.resume(0);
    for (let index = 0; index < 144; index++) search.received(500 + index + (index < 44 ? 0 : 40), BLOCK_BYTES, 143, 144);
    expect(search.found()).toBe(4 * 144);
  });

  it('of a peer that just sends is no longer than 0.4 s of its rate', () => {
    fc.assert(
      fc.property(line, (peer) => {
        const { rate, queuedBytes } = look({ kind: 'plain', uploadBytesPerSecond: 0, ...peer });
        expect(rate / peer.lineBytesPerSecond).toBeGreaterThan(0.97);
        expect(queuedBytes / peer.lineBytesPerSecond).toBeLessThan(0.5);
      }),
      RUNS,
    );
  });

  it('of a peer with an upload limit stays short of what its pauses would suggest, and takes all that it gives', () => {
    const limit = fc.integer({ min: 200, max: 10_000 }).map((kilobytes) => kilobytes * 1000);
    fc.assert(
      fc.property(limit, fc.integer({ min: 1, max: 60 }), (uploadBytesPerSecond, delayMs) => {
        const peer = { lineBytesPerSecond: 200_000_000, bufferBytes: 4_000_000, delayMs, uploadBytesPerSecond };
        const { rate, queuedBytes } = look({ kind: 'limited', ...peer });
        expect(rate / uploadBytesPerSecond).toBeGreaterThan(0.9);
        expect(queuedBytes / uploadBytesPerSecond).toBeLessThan(1.6);
      }),
      RUNS,
    );
  });
});
