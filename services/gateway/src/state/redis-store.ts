import type { Logger } from '@lodestream/service-kit';
import { Redis } from 'ioredis';
import type { Store } from './store.ts';

const PREFIX = 'lodestream:';
/** A viewer waits for media: a Redis slower than this is treated as empty. */
const COMMAND_TIMEOUT_MS = 500;
const MAX_RECONNECT_MS = 2000;
const LOG_EVERY_MS = 10_000;

/** The store of several gateways. It opens and closes its own connection. */
export function createRedisStore(url: string, logger: Logger): Store {
  const redis = new Redis(url, {
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    // Without a connection a command fails at once, rather than queue up behind a Redis that is down.
    enableOfflineQueue: false,
    retryStrategy: (attempt) => Math.min(MAX_RECONNECT_MS, attempt * 100),
  });
  let lastLogAt = Number.NEGATIVE_INFINITY;
  const note = (error: unknown) => {
    if (performance.now() - lastLogAt < LOG_EVERY_MS) return;
    lastLogAt = performance.now();
    logger.warn({ err: error }, 'redis does not answer');
  };
  redis.on('error', note);
  const orElse = async <T>(command: Promise<T>, fallback: T): Promise<T> => {
    try {
      return await command;
    } catch (error) {
      note(error);
      return fallback;
    }
  };
  return {
    async get(key) {
      return (await orElse(redis.get(PREFIX + key), null)) ?? undefined;
    },
    async set(key, value, ttlSeconds) {
      await orElse(redis.set(PREFIX + key, value, 'PX', Math.ceil(ttlSeconds * 1000)), null);
    },
    async drop(keys) {
      if (keys.length > 0) await orElse(redis.unlink(...keys.map((key) => PREFIX + key)), 0);
    },
    async takeTurn(key, limit, windowSeconds) {
      const turns = redis
        .multi()
        .set(PREFIX + key, '0', 'PX', Math.ceil(windowSeconds * 1000), 'NX')
        .incr(PREFIX + key)
        .exec();
      const results = await orElse(turns, null);
      const count = results?.[1]?.[1];
      return typeof count === 'number' ? count <= limit : true;
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  };
}
