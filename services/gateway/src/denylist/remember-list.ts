import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Store } from '../state/store.ts';
import type { ListSource, ListText } from './list-source.ts';

/** An address may be down for longer than any gateway lives; after this nobody calls the list the present one. */
const KEEP_SECONDS = 30 * 24 * 3600;
/** A list that nobody changes is still the present one each time it is asked for: often enough, and hardly a write. */
const RENEW_MS = 24 * 3600_000;

const Kept = z.object({ text: z.string(), tag: z.string() });

/** The source, with what was last understood of it kept in the store: a gateway that starts while it is down goes on from there. */
export function rememberList(source: ListSource, address: string, store: Store, renewMs = RENEW_MS): ListSource {
  const key = `denylist/${source.name}/${createHash('sha256').update(address).digest('hex').slice(0, 16)}`;
  /** The last good list, and when it was last seen to be the present one and kept as such. */
  let present: { list: ListText; keptAtMs: number } | undefined;
  let restored: ListText | undefined;

  async function keep(list: ListText): Promise<void> {
    present = { list, keptAtMs: performance.now() };
    await store.set(key, JSON.stringify(list), KEEP_SECONDS);
  }

  async function restore(): Promise<ListText | undefined> {
    const text = await store.get(key);
    const kept = text === undefined ? undefined : Kept.safeParse(parseJson(text));
    return kept?.success ? kept.data : undefined;
  }

  return {
    ...source,
    async read(tag, signal) {
      try {
        const news = await source.read(tag, signal);
        if (news) return news;
        if (present && present.list.tag === tag && performance.now() - present.keptAtMs >= renewMs) await keep(present.list);
        return undefined;
      } catch (error) {
        if (tag === undefined) restored = await restore();
        if (tag !== undefined || !restored) throw error;
        return restored;
      }
    },
    async onGood(list) {
      // A restored list was not seen at its address: it grows no younger by being read here.
      if (list !== restored) await keep(list);
    },
  };
}

/** What the store holds, or undefined where that is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
