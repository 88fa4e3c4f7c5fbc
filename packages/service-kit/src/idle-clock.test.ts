import { describe, expect, it } from 'vitest';
import { createIdleClock } from './idle-clock.ts';

describe('the idle clock', () => {
  it('counts the seconds since the last touch', () => {
    let now = 5000;
    const clock = createIdleClock(() => now);
    expect(clock.idleSeconds()).toBe(0);
    now += 2500;
    expect(clock.idleSeconds()).toBe(2.5);
    clock.touch();
    expect(clock.idleSeconds()).toBe(0);
  });
});
