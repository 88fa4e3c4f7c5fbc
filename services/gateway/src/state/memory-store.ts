import type { Store } from './store.ts';

/** Beyond it the oldest keys go: everything here can be lost. */
const MAX_KEYS = 10_000;

/** The store of one gateway on one machine. */
export function createMemoryStore(now: () => number = () => performance.now()): Store {
  const values = new Map<string, { value: string; expiresAtMs: number }>();
  const live = (key: string) => {
    const found = values.get(key);
    if (found && found.expiresAtMs > now()) return found;
    values.delete(key);
    return undefined;
  };
  const put = (key: string, value: string, ttlSeconds: number) => {
    values.delete(key);
    values.set(key, { value, expiresAtMs: now() + ttlSeconds * 1000 });
    if (values.size > MAX_KEYS) values.delete(values.keys().next().value as string);
  };
  return {
    async get(key) {
      return live(key)?.value;
    },
    async set(key, value, ttlSeconds) {
      put(key, value, ttlSeconds);
    },
    async takeTurn(key, limit, windowSeconds) {
      const found = live(key);
      if (!found) {
        put(key, '1', windowSeconds);
        return limit >= 1;
      }
      found.value = String(Number(found.value) + 1);
      return Number(found.value) <= limit;
    },
    async [Symbol.asyncDispose]() {
      values.clear();
    },
  };
}
