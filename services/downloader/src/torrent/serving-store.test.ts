import { expect, it } from 'vitest';
import { buildServingStore } from './serving-store.ts';

const BLOCK = 128 * 1024;

it('reads for peers are done in turn, so that a flood of requests costs the memory of a few', async () => {
  const open: (() => void)[] = [];
  let most = 0;
  const Store = buildServingStore(async (pieceIndex) => {
    await new Promise<void>((resolve) => {
      open.push(resolve);
      most = Math.max(most, open.length);
    });
    if (pieceIndex % 3 === 0) throw new Error('this piece is not here');
    return Buffer.from([pieceIndex]);
  });
  const store = new Store(BLOCK);
  const answers = Array.from({ length: 200 }, (_, pieceIndex) => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    store.get(pieceIndex, { offset: 0, length: BLOCK }, (error, bytes) => resolve(error ? undefined : bytes?.[0]));
    return promise;
  });
  const all = Promise.all(answers);
  for (let rounds = 0; rounds < 1000; rounds++) {
    open.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await all).toEqual(answers.map((_, pieceIndex) => (pieceIndex % 3 === 0 ? undefined : pieceIndex)));
  expect(most).toBe(32);
});
