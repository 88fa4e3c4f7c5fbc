import { InfoHash } from '@lodestream/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CachedSegment, createSegmentCache } from './segment-cache.ts';

const segment = (sizeBytes: number): CachedSegment => ({ bytes: Buffer.alloc(sizeBytes), runName: 'tc-a-0-0', etag: '"a"' });

describe('the segment cache', () => {
  it('drops what was not read for longest when it is full', () => {
    const cache = createSegmentCache(100, 300);
    for (const key of ['a', 'b', 'c']) cache.set(key, segment(33));
    cache.get('a');
    cache.set('d', segment(33));
    expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key) !== undefined)).toEqual([true, false, true, true]);
    expect(cache.sizeBytes()).toBe(99);
  });

  it('does not keep what is larger than all of it, and loses nothing for its sake', () => {
    const cache = createSegmentCache(100, 300);
    cache.set('a', segment(60));
    cache.set('film', segment(101));
    expect(cache.get('film')).toBeUndefined();
    expect(cache.get('a')).toBeDefined();
    expect(cache.sizeBytes()).toBe(60);
  });

  it('keeps nothing where no memory is given to it', () => {
    const cache = createSegmentCache(0, 300);
    cache.set('a', segment(1));
    expect(cache.get('a')).toBeUndefined();
    expect(cache.sizeBytes()).toBe(0);
  });

  it('forgets what nobody read for the TTL, and only that', () => {
    let now = 0;
    const cache = createSegmentCache(1000, 300, () => now);
    cache.set('left', segment(10));
    cache.set('watched', segment(10));
    now = 200_000;
    cache.get('watched');
    now = 301_000;
    cache.sweep();
    expect(cache.get('left')).toBeUndefined();
    expect(cache.get('watched')).toBeDefined();
    expect(cache.sizeBytes()).toBe(10);
  });

  it('forgets a torrent whole, and no other', () => {
    const cache = createSegmentCache(1000, 300);
    const [one, other] = [InfoHash.parse('a'.repeat(40)), InfoHash.parse('b'.repeat(40))];
    for (const key of [`${one}/0/v/0`, `${one}/1/v/init`, `${other}/0/v/0`]) cache.set(key, segment(10));
    expect(cache.torrents()).toEqual(new Set([one, other]));
    cache.forget(one);
    expect(cache.torrents()).toEqual(new Set([other]));
    expect(cache.sizeBytes()).toBe(10);
  });

  it('never exceeds its size and counts it right, for any use', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ do: fc.constant('set'), key: fc.constantFrom('a', 'b', 'c', 'd'), size: fc.nat(120) }),
        fc.record({ do: fc.constant('get'), key: fc.constantFrom('a', 'b', 'c', 'd'), size: fc.constant(0) }),
        fc.record({ do: fc.constant('wait'), key: fc.constant(''), size: fc.nat(200) }),
      ),
    );
    fc.assert(
      fc.property(steps, (script) => {
        let now = 0;
        const cache = createSegmentCache(200, 0.1, () => now);
        for (const step of script) {
          if (step.do === 'set') cache.set(step.key, segment(step.size));
          if (step.do === 'get') cache.get(step.key);
          if (step.do === 'wait') {
            now += step.size;
            cache.sweep();
          }
          expect(cache.sizeBytes()).toBeLessThanOrEqual(200);
          const held = ['a', 'b', 'c', 'd'].map((key) => cache.get(key)?.bytes.length ?? 0);
          expect(cache.sizeBytes()).toBe(held.reduce((sum, size) => sum + size, 0));
        }
      }),
    );
  });
});
