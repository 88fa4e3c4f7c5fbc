import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CrashLadder, countCrash, LOCAL_LADDER, planRestart } from './crash-ladder.ts';

describe('planRestart', () => {
  it('waits 0, 1, 5 and 15 s after the crashes of a local workload, then keeps the error', () => {
    const crashes: number[] = [];
    for (const delayMs of [0, 1000, 5000, 15_000]) {
      crashes.push(1000 * (crashes.length + 1));
      const last = crashes.at(-1) as number;
      expect(planRestart(LOCAL_LADDER, crashes, last)).toEqual({ do: 'restart', atMs: last + delayMs });
    }
    crashes.push(9000);
    expect(planRestart(LOCAL_LADDER, crashes, 9000)).toEqual({ do: 'fail', untilMs: 9000 + LOCAL_LADDER.keepErrorMs });
  });

  it('starts at once what has never crashed', () => {
    expect(planRestart(LOCAL_LADDER, [], 7)).toEqual({ do: 'restart', atMs: 7 });
  });

  it('forgets crashes that are longer ago than the window', () => {
    const old = [0, 1, 2, 3, 4];
    expect(planRestart(LOCAL_LADDER, old, LOCAL_LADDER.windowMs).do).toBe('fail');
    const now = LOCAL_LADDER.windowMs + 5;
    expect(planRestart(LOCAL_LADDER, old, now)).toEqual({ do: 'restart', atMs: now });
    expect(planRestart(LOCAL_LADDER, [...old, now], now)).toEqual({ do: 'restart', atMs: now });
  });

  it('takes any ladder: as many starts as it has steps, each as long after the last crash', () => {
    const ladders = fc.record({
      delaysMs: fc.array(fc.nat(90_000), { maxLength: 8 }),
      windowMs: fc.constant(600_000),
      keepErrorMs: fc.nat(90_000),
      steadyMs: fc.nat(90_000),
    });
    fc.assert(
      fc.property(ladders, fc.integer({ min: 1, max: 12 }), (ladder: CrashLadder, count) => {
        const crashes = Array.from({ length: count }, (_, index) => index * 10);
        const last = crashes.at(-1) as number;
        const plan = planRestart(ladder, crashes, last);
        const step = ladder.delaysMs[count - 1];
        if (step === undefined) expect(plan).toEqual({ do: 'fail', untilMs: last + ladder.keepErrorMs });
        else expect(plan).toEqual({ do: 'restart', atMs: last + step });
      }),
    );
  });
});

describe('countCrash', () => {
  it('counts crashes one after the other, for as long as the window', () => {
    expect(countCrash(LOCAL_LADDER, [1000, 2000], 2500, 3000)).toEqual([1000, 2000, 3000]);
    const late = LOCAL_LADDER.windowMs + 1500;
    expect(countCrash(LOCAL_LADDER, [1000, 2000], late - 100, late)).toEqual([2000, late]);
  });

  it('begins anew after a life of some length: one that is killed every ten seconds is back at once, every time', () => {
    let crashes: readonly number[] = [];
    for (let now = 10_000; now < 300_000; now += 10_000) {
      crashes = countCrash(LOCAL_LADDER, crashes, now - 9000, now);
      expect(planRestart(LOCAL_LADDER, crashes, now)).toEqual({ do: 'restart', atMs: now });
    }
  });
});
