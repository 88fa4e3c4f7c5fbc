import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Store } from '../state/store.ts';
import type { ListSource } from './list-source.ts';

/** An address may be down for longer than any gateway lives; after this nobody calls the list the present one. */
const KEEP_SECONDS = 30 * 24 * 3600;

const Kept = z.object({ text: z.string(), tag: z.string() });

/** The source, with what was last understood of it kept in the store: a gateway that starts while it is down goes on from there. */
export function rememberList(source: ListSource, address: string, store: Store): ListSource {
  const key = `denylist/${source.name}/${createHash('sha256').update(address).digest('hex').slice(0, 16)}`;
  return {
    ...source,
    async read(tag, signal) {
      try {
        return await source.read(tag, signal);
      } catch (error) {
        const kept = tag === undefined ? await store.get(key) : undefined;
        const list = kept === undefined ? undefined : Kept.safeParse(JSON.parse(kept));
        if (!list?.success) throw error;
        return list.data;
      }
    },
    onGood: (list) => store.set(key, JSON.stringify(list), KEEP_SECONDS),
  };
}
