import type { Store } from './store.ts';

/** Beyond it the oldest keys go: everything here can be lost. */
const MAX_KEYS = 10_000;
/** The same by what they hold: metadata of torrents is the largest, up to 1 MiB each. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** The store of one gateway on one machine. */
export function createMemoryStore(now: () => number = () => performance.now()): Store {
  const values = new Map<string, { value: string; expiresAtMs: number }>();
  let characters = 0;
  const drop = (key: string) => {
    characters -= values.get(key)?.value.length ?? 0;
    values.delete(key);
  };
  const live = (key: string) => {
    const found = values.get(key);
    if (found && found.expiresAtMs > now()) return found;
    drop(key);
    return undefined;
  };
  const put = (key: string, value: string, ttlSeconds: number) => {
    drop(key);
    values.set(key, { value, expiresAtMs: now() + ttlSeconds * 1000 });
    characters += value.length;
    while (values.size > MAX_KEYS || characters > MAX_CHARACTERS) drop(values.keys().next().value as string);
  };
  return {
    async get(key) {
      return live(key)?.value;
    },
    async set(key, value, ttlSeconds) {
      put(key, value, ttlSeconds);
    },
    async drop(keys) {
      for (const key of keys) drop(key);
    },
    async takeTurn(key, limit, windowSeconds) {
      const found = live(key);
      if (!found) {
        put(key, '1', windowSeconds);
        return limit >= 1;
      }
      const count = String(Number(found.value) + 1);
      characters += count.length - found.value.length;
      found.value = count;
      return Number(found.value) <= limit;
    },
    async [Symbol.asyncDispose]() {
      values.clear();
      characters = 0;
    },
  };
}
