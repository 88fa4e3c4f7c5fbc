import { waitFor } from '@lodestream/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { Store } from '../src/state/store.ts';

/** What every store promises (state/store.ts). `open` gives an empty one that answers already. */
export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(`the ${name} store`, () => {
    const stores: Store[] = [];
    const make = async () => {
      const store = await open();
      stores.push(store);
      return store;
    };
    afterEach(async () => {
      for (const store of stores.splice(0)) await store[Symbol.asyncDispose]();
    });

    it('gives back what was set, and undefined for what was not', async () => {
      const store = await make();
      const value = JSON.stringify({ title: 'Käse 😀', list: [1, 2] });
      await store.set('media/v1/a/0', value, 60);
      expect(await store.get('media/v1/a/0')).toBe(value);
      expect(await store.get('media/v1/a/1')).toBeUndefined();
      expect(await store.get('media/v1/a')).toBeUndefined();
    });

    it('replaces a value, and its time to live', async () => {
      const store = await make();
      await store.set('key', 'old', 0.05);
      await store.set('key', 'new', 60);
      await new Promise((resolve) => setTimeout(resolve, 120));
      expect(await store.get('key')).toBe('new');
    });

    it('forgets a value when its time is over, and not before', async () => {
      const store = await make();
      const setAt = performance.now();
      await store.set('key', 'value', 0.3);
      expect(await store.get('key')).toBe('value');
      await waitFor(async () => (await store.get('key')) === undefined, { what: 'the value has expired', timeoutMs: 3000 });
      expect(performance.now() - setAt).toBeGreaterThan(250);
    });

    it('forgets what it is told to, however often, and nothing else', async () => {
      const store = await make();
      for (const key of ['a', 'b', 'c']) await store.set(key, key, 60);
      await store.drop([]);
      await store.drop(['a', 'c', 'never there']);
      await store.drop(['a']);
      expect(await Promise.all(['a', 'b', 'c'].map((key) => store.get(key)))).toEqual([undefined, 'b', undefined]);
    });

    it('takes an empty value for a value', async () => {
      const store = await make();
      await store.set('key', '', 60);
      expect(await store.get('key')).toBe('');
    });

    it('holds a large value, as a media info of many streams is', async () => {
      const store = await make();
      const value = 'x'.repeat(512 * 1024);
      await store.set('key', value, 60);
      expect(await store.get('key')).toBe(value);
    });

    it('gives exactly as many turns as there are, to however many ask at once', async () => {
      const store = await make();
      const turns = await Promise.all(Array.from({ length: 50 }, () => store.takeTurn('turns', 10, 60)));
      expect(turns.filter(Boolean)).toHaveLength(10);
      expect(await store.takeTurn('turns', 10, 60)).toBe(false);
      expect(await store.takeTurn('turns of another', 10, 60)).toBe(true);
    });

    it('opens a new window when the first one is over, which further asking does not prolong', async () => {
      const store = await make();
      const openedAt = performance.now();
      expect(await store.takeTurn('turns', 1, 0.4)).toBe(true);
      await waitFor(() => store.takeTurn('turns', 1, 0.4), { what: 'there is a turn again', timeoutMs: 3000 });
      expect(performance.now() - openedAt).toBeGreaterThan(350);
      expect(await store.takeTurn('turns', 1, 0.4)).toBe(false);
    });

    it('gives no turn where none are allowed', async () => {
      const store = await make();
      expect(await store.takeTurn('turns', 0, 60)).toBe(false);
    });
  });
}
