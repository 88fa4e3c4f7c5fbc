import { type Logger, ProblemError } from '@lodestream/service-kit';
import type { InfoHash } from '@lodestream/shared';
import type { MediaInfoService } from '../playback/media-info-service.ts';
import type { SegmentCache } from '../playback/segment-cache.ts';
import type { SwarmKnowledgeStore } from '../torrents/swarm-knowledge.ts';
import type { TorrentService } from '../torrents/torrent-service.ts';
import type { Orchestrator } from '../workloads/orchestrator.ts';
import { isReady, type Workload } from '../workloads/workload.ts';
import type { Denylist, Finding, Verdict } from './denylist.ts';
import type { TorrentFacts } from './find-entry.ts';

/**
 * Holds the denylist at the door, and against what is inside already. Every gateway does all of it by itself, so that no message
 * between them can be lost.
 *
 * D1. A torrent is judged by all that is known of it; what was denied stays so until a list changes, also when it is asked for
 *     again with fewer words.
 * D2. Level-triggered: every second, and at every change of a list, whatever is here of a torrent on it goes.
 */
export type DenylistGuard = Disposable & {
  /** Somebody posts a torrent. Throws `denied`, with a line in the log, or `not-ready` while nobody can say. */
  admit(facts: TorrentFacts): void;
  /**
   * A request for a torrent, until what is returned is called; throws like `admit`, in silence. `onDenied` is called at most
   * once, when the torrent comes onto the list meanwhile.
   */
  enter(infoHash: InfoHash, onDenied: () => void): () => void;
  /** For a request that has entered: aborts with the problem when the torrent comes onto the list. */
  signal(infoHash: InfoHash): AbortSignal | undefined;
  /** How often it was refused and purged since the start. */
  counts(): { refused: number; purged: number };
};

export type DenylistGuardOptions = {
  denylist: Denylist;
  orchestrator: Orchestrator;
  torrents: Pick<TorrentService, 'status'>;
  /** What keeps something of a torrent, in memory or in the store. */
  cache: Pick<SegmentCache, 'torrents' | 'forget'>;
  media: Pick<MediaInfoService, 'forget'>;
  knowledge: Pick<SwarmKnowledgeStore, 'forget'>;
  /** What a log may say instead of the info hash. */
  logName(infoHash: InfoHash): string;
  logger: Logger;
};

const SWEEP_MS = 1000;
/** Verdicts on torrents that were asked for lately; the oldest are found anew. */
const MAX_VERDICTS = 2000;

type Visits = { controller: AbortController; onDenied: Set<() => void> };
type Open = { uid: string; facts: TorrentFacts; fileIndexes: readonly number[] };

export function createDenylistGuard(options: DenylistGuardOptions): DenylistGuard {
  const { denylist, orchestrator, logger } = options;
  const verdicts = new Map<InfoHash, { revision: number; verdict: Verdict }>();
  const visits = new Map<InfoHash, Visits>();
  /** Open torrents whose files are known. */
  const open = new Map<InfoHash, Open>();
  const learning = new Set<InfoHash>();
  const purging = new Set<InfoHash>();
  const ordered = new Set<string>();
  const counts = { refused: 0, purged: 0 };

  /** D1 */
  function judge(facts: TorrentFacts): Verdict {
    const revision = denylist.revision();
    const last = verdicts.get(facts.infoHash);
    if (last?.revision === revision && last.verdict.do === 'deny') return last.verdict;
    const verdict = denylist.judge(facts);
    verdicts.delete(facts.infoHash);
    verdicts.set(facts.infoHash, { revision, verdict });
    if (verdicts.size > MAX_VERDICTS) verdicts.delete(verdicts.keys().next().value as InfoHash);
    return verdict;
  }

  function verdictOf(infoHash: InfoHash): Verdict {
    const last = verdicts.get(infoHash);
    if (last?.revision === denylist.revision() && last.verdict.do !== 'wait') return last.verdict;
    return judge(open.get(infoHash)?.facts ?? { infoHash, names: [] });
  }

  /** D2 */
  function sweep(): void {
    const workloads = orchestrator.list();
    for (const uid of ordered) if (!workloads.some((workload) => workload.uid === uid)) ordered.delete(uid);
    for (const [infoHash, { uid }] of open) if (!workloads.some((workload) => workload.uid === uid)) open.delete(infoHash);
    for (const workload of workloads) if (workload.spec.kind === 'downloader') void learn(workload, workload.spec.infoHash);
    const here = new Set([...workloads.map(({ spec }) => spec.infoHash), ...options.cache.torrents()]);
    for (const infoHash of here) {
      const verdict = verdictOf(infoHash);
      if (verdict.do === 'deny') void purge(infoHash, verdict);
    }
  }

  /** What a torrent is called is known when its metadata is; asked until then, once. */
  async function learn(workload: Workload, infoHash: InfoHash): Promise<void> {
    if (open.get(infoHash)?.uid === workload.uid || learning.has(infoHash) || workload.spec.kind !== 'downloader') return;
    const { infoHashV2, displayName } = workload.spec.source;
    judge({ infoHash, infoHashV2, names: [displayName] });
    if (!isReady(workload)) return;
    learning.add(infoHash);
    const status = await options.torrents.status(infoHash).catch(() => undefined);
    learning.delete(infoHash);
    if (status?.state !== 'ready') return;
    const names = [displayName, status.name, ...status.files.map((file) => file.path)];
    const facts = { infoHash, infoHashV2: status.infoHashV2 ?? infoHashV2, names };
    open.set(infoHash, { uid: workload.uid, facts, fileIndexes: status.files.map((file) => file.index) });
    const verdict = judge(facts);
    if (verdict.do === 'deny') void purge(infoHash, verdict);
  }

  async function purge(infoHash: InfoHash, finding: Finding): Promise<void> {
    if (purging.has(infoHash)) return;
    purging.add(infoHash);
    try {
      const workloads = orchestrator.list().filter(({ spec }) => spec.infoHash === infoHash);
      const streams = turnOut(infoHash);
      const news = workloads.filter(({ uid }) => !ordered.has(uid));
      for (const { uid } of workloads) ordered.add(uid);
      // What is kept of a torrent is kept by file: it is asked for its files, if nobody had the time to, before it goes.
      await Promise.all(workloads.map((workload) => learn(workload, infoHash)));
      const fileIndexes = open.get(infoHash)?.fileIndexes ?? [];
      const removals = workloads.map(({ name, uid }) => orchestrator.remove(name, uid));
      options.cache.forget(infoHash);
      const kept = [options.media.forget(infoHash, fileIndexes), options.knowledge.forget(infoHash)];
      const outcomes = await Promise.allSettled([...kept, ...removals]);
      if (news.length + streams > 0) {
        counts.purged += 1;
        audit('purged', infoHash, finding, { streams, workloads: news.length });
      }
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') logger.warn({ err: outcome.reason }, 'a purge is not done: it is tried again');
    } finally {
      purging.delete(infoHash);
    }
  }

  /** Whoever is being served is cut off, whoever waits is told. Gives how many they were. */
  function turnOut(infoHash: InfoHash): number {
    const found = visits.get(infoHash);
    if (!found) return 0;
    visits.delete(infoHash);
    found.controller.abort(new ProblemError('denied'));
    for (const onDenied of found.onDenied) onDenied();
    return found.onDenied.size;
  }

  /** What an operator needs to answer for it; no name, and no info hash. */
  function audit(action: 'refused' | 'purged', infoHash: InfoHash, { source, version, entry }: Finding, more = {}): void {
    const torrent = options.logName(infoHash);
    logger.info({ audit: 'denylist', action, torrent, source, version, ...entry, ...more }, `denied: ${action}`);
  }

  // Without a list there is nothing to look for.
  const timer = denylist.states().length > 0 ? setInterval(sweep, SWEEP_MS).unref() : undefined;
  const stopWatching = denylist.watch(sweep);

  return {
    admit(facts) {
      const verdict = judge(facts);
      if (verdict.do === 'deny') {
        counts.refused += 1;
        audit('refused', facts.infoHash, verdict);
      }
      check(verdict);
    },
    enter(infoHash, onDenied) {
      check(verdictOf(infoHash));
      const entered = visits.get(infoHash) ?? { controller: new AbortController(), onDenied: new Set() };
      visits.set(infoHash, entered);
      entered.onDenied.add(onDenied);
      return () => {
        entered.onDenied.delete(onDenied);
        if (entered.onDenied.size === 0 && visits.get(infoHash) === entered) visits.delete(infoHash);
      };
    },
    signal: (infoHash) => visits.get(infoHash)?.controller.signal,
    counts: () => counts,
    [Symbol.dispose]() {
      clearInterval(timer);
      stopWatching();
    },
  };
}

function check(verdict: Verdict): void {
  switch (verdict.do) {
    case 'allow':
      return;
    case 'deny':
      throw new ProblemError('denied');
    case 'wait':
      throw new ProblemError('not-ready', { detail: 'The list of what is not served here has not been read yet.' });
    default:
      verdict satisfies never;
  }
}
