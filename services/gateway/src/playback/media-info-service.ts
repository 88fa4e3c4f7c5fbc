import { ProblemError, withSignal } from '@lodestream/service-kit';
import { buildProblem, type InfoHash, MediaInfo, ProbeStatus, Problem, type Rendition } from '@lodestream/shared';
import { z } from 'zod';
import type { Store } from '../state/store.ts';
import type { TorrentService } from '../torrents/torrent-service.ts';
import type { Orchestrator } from '../workloads/orchestrator.ts';
import type { WorkerClient } from '../workloads/worker-client.ts';
import { isAlive, isReady, type ReadyWorkload, type Workload } from '../workloads/workload.ts';
import { probeName } from '../workloads/workload-name.ts';
import { buildRenditions } from './renditions.ts';

export type ProbedMedia = { info: MediaInfo; renditions: Rendition[] };

/** What a probe says of each file, asked once and kept: it is a pure function of the file's bytes. */
export type MediaInfoService = {
  /** Waits for the probe, which waits for its bytes. Rejects with `not-playable`, or with the signal's reason. */
  get(infoHash: InfoHash, fileIndex: number, signal: AbortSignal): Promise<ProbedMedia>;
  /** Starts the probe, if need be, without waiting for it. */
  warm(infoHash: InfoHash, fileIndex: number): void;
  /** Forgets what is known of these files, here and in the store. */
  forget(infoHash: InfoHash, fileIndexes: readonly number[]): Promise<void>;
  /** What is known now, for the stage that a viewer sees. */
  peek(infoHash: InfoHash, fileIndex: number): Promise<ProbedMedia | 'unknown' | 'waiting-for-bytes' | 'probing' | Problem>;
};

export type MediaInfoOptions = {
  store: Store;
  torrents: TorrentService;
  orchestrator: Orchestrator;
  client: WorkerClient;
  ttlSeconds: number;
  segmentSeconds: number;
};

/** Long after the pieces have gone the answer is still right; a day bounds the store. */
const KEEP_SECONDS = 24 * 3600;
/** Another gateway may have had the answer of the same probe, and ended it; its answer is in the store then. */
const MAX_PROBES = 2;
/** No answer is kept for ever in this process: these are few hundred bytes each. */
const MAX_KEPT = 1000;

const Kept = z.union([z.object({ info: MediaInfo }), z.object({ problem: Problem })]);
type Kept = z.infer<typeof Kept>;

export function createMediaInfoService(options: MediaInfoOptions): MediaInfoService {
  const { store, torrents, orchestrator, client } = options;
  const known = new Map<string, ProbedMedia>();
  const probing = new Map<string, Promise<ProbedMedia>>();
  const keyPrefix = (infoHash: InfoHash) => `media/v1/${infoHash}/`;
  const keyOf = (infoHash: InfoHash, fileIndex: number) => keyPrefix(infoHash) + fileIndex;

  function remember(key: string, kept: Kept): ProbedMedia {
    if ('problem' in kept) throw new ProblemError(kept.problem.code, kept.problem);
    const found = { info: kept.info, renditions: buildRenditions(kept.info, options.segmentSeconds) };
    known.set(key, found);
    if (known.size > MAX_KEPT) known.delete(known.keys().next().value as string);
    return found;
  }

  async function recall(key: string): Promise<Kept | undefined> {
    const text = await store.get(key);
    const parsed = text === undefined ? undefined : Kept.safeParse(JSON.parse(text));
    return parsed?.success ? parsed.data : undefined;
  }

  /** What is watched by another gateway is known here too: when the store is lost, the next viewer does not wait for a probe. */
  function learn(workload: Workload): void {
    if (workload.spec.kind !== 'run' || !isAlive(workload)) return;
    const key = keyOf(workload.spec.infoHash, workload.spec.fileIndex);
    if (known.has(key)) return;
    recall(key)
      .then((kept) => kept && remember(key, kept))
      // Nobody waits for it: whoever asks is told what is wrong.
      .catch(() => {});
  }
  orchestrator.watch(learn);
  for (const workload of orchestrator.list()) learn(workload);

  async function load(infoHash: InfoHash, fileIndex: number, key: string): Promise<ProbedMedia> {
    // A probe waits for its bytes as long as anybody keeps the torrent; the torrent's own TTL bounds it.
    const signal = torrents.lifetime(infoHash);
    for (let probes = 0; ; ) {
      const kept = await recall(key);
      if (kept) return remember(key, kept);
      try {
        probes += 1;
        return remember(key, await probe(infoHash, fileIndex, key, signal));
      } catch (error) {
        const isFinal = error instanceof ProblemError && error.problem.status < 500;
        if (isFinal || probes === MAX_PROBES || signal.aborted) throw error;
      }
    }
  }

  async function probe(infoHash: InfoHash, fileIndex: number, key: string, signal: AbortSignal): Promise<Kept> {
    await torrents.ready(infoHash, signal);
    torrents.checkFile(infoHash, fileIndex);
    // Beside the start of the probe; whoever reads waits for the same pieces.
    torrents.prepare(infoHash, fileIndex, signal).catch(() => {});
    const name = probeName(infoHash, fileIndex);
    const workload = orchestrator.ensure({
      kind: 'probe',
      name,
      ttlSeconds: options.ttlSeconds,
      infoHash,
      fileIndex,
      source: torrents.sourceAddress(infoHash, fileIndex),
      lengthBytes: torrents.fileLengthBytes(infoHash, fileIndex),
    });
    try {
      const ready = await orchestrator.whenReady(name, signal);
      const kept = await askProbe(ready, signal);
      // Before the probe goes, so that whoever waits for it elsewhere finds one or the other.
      await store.set(key, JSON.stringify(kept), KEEP_SECONDS);
      return kept;
    } finally {
      await orchestrator.remove(name, workload.uid);
    }
  }

  async function askProbe(ready: ReadyWorkload, signal: AbortSignal): Promise<Kept> {
    try {
      return { info: await client.json(ready, { path: '/media', signal }, MediaInfo) };
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not-playable') return { problem: error.problem };
      throw error;
    }
  }

  function ensure(infoHash: InfoHash, fileIndex: number): Promise<ProbedMedia> {
    const key = keyOf(infoHash, fileIndex);
    const found = known.get(key);
    if (found) return Promise.resolve(found);
    const running = probing.get(key) ?? load(infoHash, fileIndex, key).finally(() => probing.delete(key));
    probing.set(key, running);
    return running;
  }

  return {
    async get(infoHash, fileIndex, signal) {
      await torrents.ready(infoHash, signal);
      torrents.checkFile(infoHash, fileIndex);
      return withSignal(ensure(infoHash, fileIndex), signal);
    },
    warm(infoHash, fileIndex) {
      ensure(infoHash, fileIndex).catch(() => {});
    },
    async forget(infoHash, fileIndexes) {
      const own = [...known.keys()].filter((key) => key.startsWith(keyPrefix(infoHash)));
      const keys = [...new Set([...own, ...fileIndexes.map((fileIndex) => keyOf(infoHash, fileIndex))])];
      for (const key of keys) known.delete(key);
      await store.drop(keys);
    },
    async peek(infoHash, fileIndex) {
      const found = known.get(keyOf(infoHash, fileIndex));
      if (found) return found;
      const kept = await recall(keyOf(infoHash, fileIndex));
      if (kept) return 'problem' in kept ? kept.problem : remember(keyOf(infoHash, fileIndex), kept);
      const workload = orchestrator.get(probeName(infoHash, fileIndex));
      if (workload?.phase === 'failed') return workload.problem ?? buildProblem('workload-failed');
      if (!isReady(workload)) return probing.has(keyOf(infoHash, fileIndex)) ? 'probing' : 'unknown';
      try {
        const status = await client.json(workload, { path: '/status', signal: AbortSignal.timeout(1000) }, ProbeStatus);
        return status.phase === 'waiting-for-bytes' ? 'waiting-for-bytes' : 'probing';
      } catch {
        return 'probing';
      }
    },
  };
}
