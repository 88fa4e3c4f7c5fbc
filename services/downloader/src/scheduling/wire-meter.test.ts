import { expect, it } from 'vitest';
import { BLOCK_BYTES } from './block.ts';
import { createWireMeter, type WireMeter } from './wire-meter.ts';

/** Blocks at a steady pace, with enough owed that it is never idle. */
function receive(meter: WireMeter, from: number, count: number, gapMs: number, owed = 50): number {
  let now = from;
  for (let index = 0; index < count; index++) {
    now += gapMs;
    meter.received(now, BLOCK_BYTES, owed);
  }
  return now;
}

it('keeps 0.4 s of a steady wire outstanding', () => {
  const meter = createWireMeter();
  meter.requested(0);
  receive(meter, 50, 500, 5);
  expect(meter.isProven()).toBe(true);
  expect(meter.depth(64, 500)).toBeGreaterThan(70);
  expect(meter.depth(64, 500)).toBeLessThan(90);
});

it('does not forget the rate of a wire that was idle', () => {
  const meter = createWireMeter();
  meter.requested(0);
  const now = receive(meter, 50, 500, 5);
  const depth = meter.depth(64, 500);
  meter.received(now + 5, BLOCK_BYTES, 0);
  meter.requested(now + 60_000);
  expect(meter.depth(64, 500)).toBeCloseTo(depth, -1);
});

it('deepens the queue of a wire that pulses, from one pulse to the next, and never beyond what it takes', () => {
  const meter = createWireMeter();
  meter.requested(0);
  let now = 0;
  for (let pulse = 0; pulse < 12; pulse++) {
    now += 500;
    for (let left = meter.depth(64, 500) - 1; left >= 0; left--) {
      now += 0.1;
      meter.received(now, BLOCK_BYTES, left + 1);
    }
  }
  expect(meter.depth(64, 10_000)).toBe(500);
  expect(meter.depth(64, 100)).toBe(100);
});

it('leaves the queue of a wire that was asked for little at a time as it is', () => {
  const meter = createWireMeter();
  meter.requested(0);
  let now = receive(meter, 50, 400, 8);
  const depth = meter.depth(64, 500);
  for (let read = 0; read < 10; read++) {
    now += 10_000;
    meter.requested(now);
    now += 300;
    for (let left = 15; left >= 0; left--) meter.received(now, BLOCK_BYTES, left);
    meter.depth(64, 500);
  }
  expect(meter.depth(64, 500)).toBeLessThanOrEqual(depth);
});

it('leaves the queue of a wire that sends in steps, but never all that it owes', () => {
  const meter = createWireMeter();
  meter.requested(0);
  let now = 0;
  for (let step = 0; step < 40; step++) now = receive(meter, now + 250, 16, 1);
  expect(meter.depth(64, 500)).toBeLessThan(40);
});

it('is not deceived by bursts: 128 blocks every second are 2 MiB a second', () => {
  const meter = createWireMeter();
  meter.requested(0);
  for (let second = 1; second <= 10; second++) receive(meter, second * 1000, 128, 0.05, 500);
  expect(meter.depth(64, 500)).toBeGreaterThan(45);
  expect(meter.depth(64, 500)).toBeLessThan(75);
});

it('expects little of a wire that owes blocks and is silent', () => {
  const meter = createWireMeter();
  meter.requested(0);
  const now = receive(meter, 50, 200, 5);
  const usualMs = meter.etaMs(now, 10);
  expect(meter.etaMs(now + 3000, 10)).toBeGreaterThan(5 * usualMs);
});
