import type { Logger } from '@lodestream/service-kit';
import { type DenylistEntry, type DenylistRules, parseDenylist } from './denylist-text.ts';
import { findEntry, type TorrentFacts } from './find-entry.ts';
import type { ListSource, ListText } from './list-source.ts';

/** `wait`: a list has never been read, so nobody can say yet. */
export type Verdict = { do: 'allow' } | { do: 'wait' } | ({ do: 'deny' } & Finding);

/** By which entry of which version of which list. */
export type Finding = Readonly<{ source: string; version: string; entry: DenylistEntry }>;

/** `isGood`: it was reached, and understood, when it was last asked. */
export type SourceState = Readonly<{ source: string; entries: number; isGood: boolean; secondsSinceGood: number }>;

/**
 * What this server does not serve: the union of the operator's lists, each kept up to date. A list that fails or makes no sense
 * leaves its last good version in force; one that was never read leaves everything undecided.
 */
export type Denylist = Disposable & {
  /** Resolves when every source has been asked once, whatever came of it. */
  readonly asked: Promise<void>;
  /** Changes with every list: a verdict holds as long as this. */
  revision(): number;
  judge(facts: TorrentFacts): Verdict;
  /** Called after every change of a list; returns how to stop it. */
  watch(listener: () => void): () => void;
  states(): SourceState[];
};

type Kept = {
  tag: string | undefined;
  rules: DenylistRules | undefined;
  /** What is wrong with the text of the tag; empty: nothing. */
  textFault: string;
  /** What was said last: that, or that it cannot be had. */
  fault: string;
  goodAtMs: number;
};

export function createDenylist(sources: readonly ListSource[], logger: Logger): Denylist {
  const kept = new Map<ListSource, Kept>();
  const listeners = new Set<() => void>();
  const startedAt = performance.now();
  const timers = new Map<ListSource, NodeJS.Timeout>();
  let revision = 0;
  let isClosed = false;
  for (const source of sources)
    kept.set(source, { tag: undefined, rules: undefined, textFault: '', fault: '', goodAtMs: startedAt });

  async function look(source: ListSource, state: Kept): Promise<void> {
    try {
      const read = await source.read(state.tag, AbortSignal.timeout(source.withinMs));
      if (isClosed) return;
      const isNews = read !== undefined && understand(state, read);
      noteFault(source, state, state.textFault);
      if (isNews) await announce(source, state, read);
    } catch (error) {
      noteFault(source, state, error instanceof Error ? describe(error) : String(error));
    }
  }

  /** True when it is another list than before; text that makes no sense changes nothing but the tag. */
  function understand(state: Kept, read: ListText): boolean {
    state.tag = read.tag;
    const parsed = parseDenylist(read.text);
    if ('faults' in parsed) {
      state.textFault = parsed.faults.map(({ line, fault }) => `line ${line}: ${fault}`).join('; ');
      return false;
    }
    state.textFault = '';
    const isNews = state.rules?.version !== parsed.version;
    state.rules = parsed;
    return isNews;
  }

  async function announce(source: ListSource, { rules }: Kept, read: ListText): Promise<void> {
    revision += 1;
    logger.info({ source: source.name, version: rules?.version, entries: rules && sizeOf(rules) }, 'the denylist was read');
    for (const listener of [...listeners]) listener();
    await source.onGood?.(read);
  }

  /** Said once, and again when it is another or when it is over. */
  function noteFault(source: ListSource, state: Kept, fault: string): void {
    if (fault === '') state.goodAtMs = performance.now();
    if (fault === state.fault) return;
    state.fault = fault;
    if (fault === '') return logger.info({ source: source.name }, 'the denylist can be read again');
    const what = state.rules ? 'the denylist cannot be read: its last good version holds' : 'the denylist cannot be read';
    logger.error({ source: source.name, fault, version: state.rules?.version }, what);
  }

  async function keepLooking(source: ListSource, state: Kept): Promise<void> {
    await look(source, state);
    if (isClosed) return;
    timers.set(source, setTimeout(() => void keepLooking(source, state), source.everyMs).unref());
  }

  const asked = Promise.all([...kept].map(([source, state]) => keepLooking(source, state))).then(() => {});

  return {
    asked,
    revision: () => revision,
    judge(facts) {
      let isUnread = false;
      for (const [{ name }, { rules }] of kept) {
        const entry = rules && findEntry(rules, facts);
        if (rules && entry) return { do: 'deny', source: name, version: rules.version, entry };
        isUnread ||= !rules;
      }
      return isUnread ? { do: 'wait' } : { do: 'allow' };
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    states: () =>
      [...kept].map(([{ name }, { rules, fault, goodAtMs }]) => ({
        source: name,
        entries: rules ? sizeOf(rules) : 0,
        isGood: fault === '' && rules !== undefined,
        secondsSinceGood: (performance.now() - goodAtMs) / 1000,
      })),
    [Symbol.dispose]() {
      isClosed = true;
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

function sizeOf({ hashes, patterns }: DenylistRules): number {
  return hashes.size + patterns.length;
}

/** `fetch` and the API client say what happened in the cause. */
function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
