import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OpenTorrent, planAdmission, planDiskEviction } from './caps.ts';

const torrents = fc
  .array(fc.record({ idleSeconds: fc.nat(300), diskBytes: fc.nat(1000) }), { maxLength: 10 })
  .map((list): OpenTorrent[] => list.map((one, index) => ({ name: `dl-${index}`, uid: `${index}`, ...one })));
const torrent = (name: string, idleSeconds: number, diskBytes = 0): OpenTorrent => ({ name, uid: name, idleSeconds, diskBytes });

describe('planAdmission', () => {
  it('admits below the cap', () => {
    expect(planAdmission([torrent('a', 0)], 2)).toEqual({ do: 'admit' });
  });

  it('sends the least recently used idle one away at the cap', () => {
    const open = [torrent('a', 40), torrent('b', 200), torrent('c', 5)];
    expect(planAdmission(open, 3)).toEqual({ do: 'evict-then-admit', torrent: open[1] });
  });

  it('refuses where everybody is watching: a pause of half a minute is no idleness', () => {
    expect(planAdmission([torrent('a', 29.9), torrent('b', 0)], 2)).toEqual({ do: 'refuse' });
    expect(planAdmission([torrent('a', 30)], 1)).toMatchObject({ do: 'evict-then-admit' });
  });

  it('never sends away one that is watched, nor one while there is room', () => {
    fc.assert(
      fc.property(torrents, fc.integer({ min: 1, max: 10 }), (open, max) => {
        const plan = planAdmission(open, max);
        expect(plan.do === 'admit').toBe(open.length < max);
        if (plan.do === 'evict-then-admit') {
          expect(plan.torrent.idleSeconds).toBe(Math.max(...open.map((one) => one.idleSeconds)));
          expect(plan.torrent.idleSeconds).toBeGreaterThanOrEqual(30);
        }
        if (plan.do === 'refuse') expect(open.every((one) => one.idleSeconds < 30)).toBe(true);
      }),
    );
  });
});

describe('planDiskEviction', () => {
  it('takes as few as do it, least recently used first', () => {
    const open = [torrent('a', 50, 100), torrent('b', 90, 10), torrent('c', 70, 100)];
    expect(planDiskEviction(open, 205, 200)).toEqual([open[1]]);
    expect(planDiskEviction(open, 211, 200)).toEqual([open[1], open[2]]);
    expect(planDiskEviction(open, 200, 200)).toEqual([]);
  });

  it('stops where only watched ones are left, whatever the disk says', () => {
    expect(planDiskEviction([torrent('a', 1, 500)], 1000, 1)).toEqual([]);
  });

  it('ends for any torrents, names each once, and is never longer than needed', () => {
    fc.assert(
      fc.property(torrents, fc.nat(5000), fc.nat(5000), (open, used, budget) => {
        const evicted = planDiskEviction(open, used, budget);
        expect(new Set(evicted).size).toBe(evicted.length);
        expect(evicted.every((one) => one.idleSeconds >= 30)).toBe(true);
        const freed = (list: OpenTorrent[]) => list.reduce((sum, one) => sum + one.diskBytes, 0);
        if (evicted.length > 0) expect(used - freed(evicted.slice(0, -1))).toBeGreaterThan(budget);
        const left = open.filter((one) => !evicted.includes(one) && one.idleSeconds >= 30);
        if (used - freed(evicted) > budget) expect(left).toEqual([]);
      }),
    );
  });
});
