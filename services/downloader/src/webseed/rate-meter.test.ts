import { expect, it } from 'vitest';
import { createRateMeter } from './rate-meter.ts';

it('tells the rate of the last five seconds, and nothing at the first look', () => {
  const meter = createRateMeter();
  expect(meter.read(0, 0)).toBe(0);
  expect(meter.read(1000, 100)).toBe(100);
  for (let at = 2; at <= 10; at++) expect(meter.read(at * 1000, at * 100)).toBe(100);
  for (let at = 11; at <= 20; at++) meter.read(at * 1000, 1000);
  expect(meter.read(20_001, 1000)).toBe(0);
});

it('looked at many times a second it keeps no more than five seconds', () => {
  const meter = createRateMeter();
  let rate = 0;
  for (let at = 0; at <= 60_000; at += 10) rate = meter.read(at, at * 2);
  expect(rate).toBe(2000);
});
