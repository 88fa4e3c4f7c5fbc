import { createLogger } from '@lodestream/service-kit';
import { pickFreePort, waitFor } from '@lodestream/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../src/state/memory-store.ts';
import { createRedisStore } from '../src/state/redis-store.ts';
import type { Store } from '../src/state/store.ts';
import { describeStore } from './describe-store.ts';
import { startRedis, type TestRedis } from './start-redis.ts';

const logger = createLogger('test', 'error');
let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

/** A command goes through: the connection is there. */
async function answers(store: Store): Promise<void> {
  await waitFor(
    async () => {
      await store.set('probe', 'here', 60);
      return (await store.get('probe')) === 'here';
    },
    { what: 'the store reaches redis', timeoutMs: 8000 },
  );
}

async function openRedisStore(): Promise<Store> {
  const store = createRedisStore(redis.url, logger);
  await answers(store);
  return store;
}

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const startedAt = performance.now();
  const value = await work;
  return { value, ms: performance.now() - startedAt };
}

/** The command limit is 500 ms; a busy machine is late. */
const QUICK_MS = 1500;

async function expectEmptyAndQuick(store: Store): Promise<void> {
  const get = await timed(store.get('key'));
  const set = await timed(store.set('key', 'lost', 60));
  const turn = await timed(store.takeTurn('turns', 1, 60));
  expect([get.value, turn.value]).toEqual([undefined, true]);
  expect(Math.max(get.ms, set.ms, turn.ms)).toBeLessThan(QUICK_MS);
}

describeStore('memory', async () => createMemoryStore());
describeStore('redis', async () => {
  await redis.command('FLUSHALL');
  return openRedisStore();
});

describe('the memory store', () => {
  it('keeps the newest keys where there are more than it holds', async () => {
    await using store = createMemoryStore();
    for (let n = 0; n <= 10_000; n++) await store.set(`key/${n}`, `${n}`, 60);
    expect(await store.get('key/0')).toBeUndefined();
    expect(await store.get('key/1')).toBe('1');
    expect(await store.get('key/10000')).toBe('10000');
  });

  it('keeps the newest where they are larger than it may be, whoever replaces whom', async () => {
    await using store = createMemoryStore();
    const MIB = 1024 * 1024;
    for (let round = 0; round < 3; round++) for (let n = 0; n < 60; n++) await store.set(`large/${n}`, String(n).padEnd(MIB), 60);
    expect((await store.get('large/0'))?.trim()).toBe('0');
    for (let n = 60; n < 70; n++) await store.set(`large/${n}`, String(n).padEnd(MIB), 60);
    expect(await store.get('large/0')).toBeUndefined();
    expect((await store.get('large/69'))?.trim()).toBe('69');
  });
});

describe('the redis store', () => {
  it('shares values and turns between gateways', async () => {
    await redis.command('FLUSHALL');
    await using one = await openRedisStore();
    await using other = await openRedisStore();
    await one.set('shared', 'value', 60);
    expect(await other.get('shared')).toBe('value');
    expect([await one.takeTurn('both', 1, 60), await other.takeTurn('both', 1, 60)]).toEqual([true, false]);
  });

  it('keeps its keys apart from those of others, and lets every one expire', async () => {
    await redis.command('FLUSHALL');
    await using store = await openRedisStore();
    await store.set('media', 'value', 60);
    await store.takeTurn('turns', 1, 60);
    expect(await redis.command('EXISTS lodestream:media')).toBe(':1');
    for (const key of ['lodestream:media', 'lodestream:turns'])
      expect(Number((await redis.command(`PTTL ${key}`)).slice(1))).toBeGreaterThan(0);
  });

  it('is empty after FLUSHALL, and nothing else', async () => {
    await using store = await openRedisStore();
    await store.set('key', 'value', 60);
    await store.takeTurn('turns', 1, 60);
    await redis.command('FLUSHALL');
    expect(await store.get('key')).toBeUndefined();
    expect(await store.takeTurn('turns', 1, 60)).toBe(true);
  });

  it('is like an empty one while redis is down, and comes back by itself', async () => {
    await using store = await openRedisStore();
    await store.set('key', 'value', 60);
    await redis.kill();
    try {
      await expectEmptyAndQuick(store);
    } finally {
      await redis.start();
    }
    await answers(store);
  });

  it('is like an empty one while redis is there and says nothing', async () => {
    await using store = await openRedisStore();
    await store.set('key', 'value', 60);
    redis.freeze();
    try {
      await expectEmptyAndQuick(store);
      const { ms } = await timed(Promise.all(Array.from({ length: 20 }, () => store.get('key'))));
      expect(ms).toBeLessThan(QUICK_MS);
    } finally {
      redis.thaw();
    }
    await answers(store);
  });

  it('survives a value that is no number where it counts', async () => {
    await redis.command('SET lodestream:odd text');
    await using store = await openRedisStore();
    expect(await store.takeTurn('odd', 1, 60)).toBe(true);
  });

  it('opens where no redis is, and lets a gateway work without', async () => {
    await using store = createRedisStore(`redis://127.0.0.1:${await pickFreePort()}`, logger);
    await expectEmptyAndQuick(store);
  });
});
