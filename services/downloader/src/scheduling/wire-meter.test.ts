import { expect, it } from 'vitest';
import { BLOCK_BYTES } from './block.ts';
import { createWireMeter, type WireMeter } from './wire-meter.ts';

/** Blocks at a steady pace, with enough owed that it is never idle. */
function receive(meter: WireMeter, from: number, count: number, gapMs: number): number {
  let now = from;
  for (let index = 0; index < count; index++) {
    now += gapMs;
    meter.received(now, BLOCK_BYTES, 50);
  }
  return now;
}

it('keeps 0.4 s of a steady wire outstanding', () => {
  const meter = createWireMeter();
  meter.requested(0);
  receive(meter, 50, 500, 5);
  expect(meter.isProven()).toBe(true);
  expect(meter.depth(false, 500)).toBeGreaterThan(70);
  expect(meter.depth(false, 500)).toBeLessThan(90);
});

it('does not forget the rate of a wire that was idle', () => {
  const meter = createWireMeter();
  meter.requested(0);
  const now = receive(meter, 50, 500, 5);
  const depth = meter.depth(false, 500);
  meter.received(now + 5, BLOCK_BYTES, 0);
  meter.requested(now + 60_000);
  expect(meter.depth(false, 500)).toBeCloseTo(depth, -1);
});

it('deepens the queue of a wire that pulses, sixteenfold at most and never beyond what it takes', () => {
  const meter = createWireMeter();
  meter.requested(0);
  let now = 0;
  for (let pulse = 0; pulse < 12; pulse++) {
    now += 500;
    for (let left = 63; left >= 0; left--) meter.received(++now, BLOCK_BYTES, left + 1);
  }
  expect(meter.depth(false, 10_000)).toBeGreaterThan(150);
  expect(meter.depth(false, 100)).toBe(100);
});

it('leaves the queue of a wire that sends in steps, but never all that it owes', () => {
  const meter = createWireMeter();
  meter.requested(0);
  let now = 0;
  for (let step = 0; step < 40; step++) now = receive(meter, now + 250, 16, 1);
  expect(meter.depth(false, 500)).toBeLessThan(40);
});

it('expects little of a wire that owes blocks and is silent', () => {
  const meter = createWireMeter();
  meter.requested(0);
  const now = receive(meter, 50, 200, 5);
  const usualMs = meter.etaMs(now, 10);
  expect(meter.etaMs(now + 3000, 10)).toBeGreaterThan(5 * usualMs);
});
