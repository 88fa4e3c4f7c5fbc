import { expect, it } from 'vitest';
import { pickIdlest } from './pick-idlest.ts';

const workload = (name: string, idleSeconds: number | undefined) => ({ name, uid: `u-${name}`, idleSeconds });

it('takes the least recently used of those that nobody uses', () => {
  expect(pickIdlest([workload('a', 31), workload('b', 400), workload('c', 60), workload('d', undefined)])?.name).toBe('b');
});

it('takes none that is in use, or that has not said', () => {
  expect(pickIdlest([workload('a', 29), workload('b', undefined)])).toBeUndefined();
  expect(pickIdlest([])).toBeUndefined();
});
