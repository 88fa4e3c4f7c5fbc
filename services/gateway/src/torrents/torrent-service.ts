import { delay, ProblemError, withSignal } from '@lodestream/service-kit';
import {
  buildProblem,
  DownloaderStatus,
  type InfoHash,
  type SourceAddress,
  type SwarmKnowledge,
  type TorrentSource,
} from '@lodestream/shared';
import type { Orchestrator } from '../workloads/orchestrator.ts';
import type { WorkerClient } from '../workloads/worker-client.ts';
import { isAlive, isReady, type Workload } from '../workloads/workload.ts';
import { downloaderName } from '../workloads/workload-name.ts';

/** The torrents that are open here: each is its downloader, and nothing else is remembered. */
export type TorrentService = {
  /** Makes sure that the torrent has a downloader. `isNew` is false when it had one. `known`: of an earlier one. */
  add(source: TorrentSource, known?: SwarmKnowledge): { isNew: boolean };
  /** Resolves when every gateway knows of a torrent that was added, or could not be told within a moment. */
  added(infoHash: InfoHash): Promise<void>;
  /** Resolves when it is known whether the torrent is open, here or at another gateway. */
  lookFor(infoHash: InfoHash): Promise<void>;
  workload(infoHash: InfoHash): Workload | undefined;
  source(infoHash: InfoHash): TorrentSource | undefined;
  /** A fresh status, shared by all who ask within a moment; undefined while its downloader does not answer. */
  status(infoHash: InfoHash, fileIndex?: number): Promise<DownloaderStatus | undefined>;
  /** Waits until the metadata is here. Rejects with `torrent-unknown`, with the torrent's problem, or the signal's reason. */
  ready(infoHash: InfoHash, signal: AbortSignal): Promise<void>;
  /** After `ready`: `file-unknown` when there is no such file. */
  checkFile(infoHash: InfoHash, fileIndex: number): void;
  fileLengthBytes(infoHash: InfoHash, fileIndex: number): number;
  sourceAddress(infoHash: InfoHash, fileIndex: number): SourceAddress;
  /** The file is about to be played: its head and tail come before anything else. */
  prepare(infoHash: InfoHash, fileIndex: number, signal: AbortSignal): Promise<void>;
  /** An access that its downloader does not see by itself. */
  touch(infoHash: InfoHash): void;
  /** Aborts when the torrent is no longer open here. */
  lifetime(infoHash: InfoHash): AbortSignal;
  /** Waits for the metadata; problem of the torrent if it has one. */
  list(): Workload[];
};

export type TorrentServiceOptions = {
  orchestrator: Orchestrator;
  client: WorkerClient;
  ttlSeconds: number;
  diskBudgetBytes: number;
  network: {
    dht: boolean;
    dhtBootstrap: string[];
    trackers: string[];
    allowedPrivateNetworks: string[];
    uploadBytesPerSecond: number;
    peerPorts?: [number, number];
  };
};

const STATUS_TIMEOUT_MS = 2000;
/** Longer than a cluster takes to accept a pod; a viewer is not kept waiting for one that is busy. */
const ADDED_TIMEOUT_MS = 2000;
/** Viewers of one torrent share an answer of this age. */
const SHARE_STATUS_MS = 400;
/** A downloader answers this question when it has the metadata, and at the latest then. */
const NEWS_WAIT_SECONDS = 20;
/** Between two questions that a downloader could not answer. */
const READY_POLL_MS = 50;
/** Touches more often than this tell the downloader nothing new, unless the TTL is very short. */
const TOUCH_EVERY_MS = 5000;

export function createTorrentService(options: TorrentServiceOptions): TorrentService {
  const { orchestrator, client } = options;
  const shared = new Map<string, { atMs: number; answer: Promise<DownloaderStatus | undefined> }>();
  /** Length by file index; never changes once the metadata is here. Padding files leave gaps. */
  const files = new Map<InfoHash, Map<number, number>>();
  const news = new Map<InfoHash, Promise<DownloaderStatus | undefined>>();
  const touchedAtMs = new Map<InfoHash, number>();
  const lifetimes = new Map<InfoHash, AbortController>();
  const touchEveryMs = Math.min(TOUCH_EVERY_MS, (options.ttlSeconds * 1000) / 4);

  orchestrator.watch((workload) => {
    if (workload.spec.kind !== 'downloader' || isAlive(workload)) return;
    const { infoHash } = workload.spec;
    lifetimes.get(infoHash)?.abort(new ProblemError('torrent-unknown'));
    for (const map of [files, touchedAtMs, lifetimes]) map.delete(infoHash);
    for (const key of shared.keys()) if (key.startsWith(infoHash)) shared.delete(key);
  });

  const workload = (infoHash: InfoHash) => orchestrator.get(downloaderName(infoHash));

  async function ask(infoHash: InfoHash, query: { file?: number; wait?: number } = {}): Promise<DownloaderStatus | undefined> {
    const found = workload(infoHash);
    if (!isReady(found)) return undefined;
    try {
      const parameters = Object.entries(query).map(([name, value]) => `${name}=${value}`);
      const path = ['/status', parameters.join('&')].filter(Boolean).join('?');
      const signal = AbortSignal.timeout((query.wait ?? 0) * 1000 + STATUS_TIMEOUT_MS);
      const status = await client.json(found, { path, signal }, DownloaderStatus);
      if (status.state === 'ready') onReady(infoHash, status);
      return status;
    } catch {
      return undefined;
    }
  }

  /** One question that waits for the metadata, for all who do. */
  function askForNews(infoHash: InfoHash): Promise<DownloaderStatus | undefined> {
    const asked = news.get(infoHash) ?? ask(infoHash, { wait: NEWS_WAIT_SECONDS }).finally(() => news.delete(infoHash));
    news.set(infoHash, asked);
    return asked;
  }

  /** Answers from before it was known are no longer shared: viewers wait for exactly this news. */
  function onReady(infoHash: InfoHash, status: DownloaderStatus): void {
    if (!files.has(infoHash)) for (const key of shared.keys()) if (key.startsWith(infoHash)) shared.delete(key);
    files.set(infoHash, new Map(status.files.map((file) => [file.index, file.lengthBytes])));
  }

  const service: TorrentService = {
    add(source, known) {
      const name = downloaderName(source.infoHash);
      const isNew = !isAlive(orchestrator.get(name));
      const { diskBudgetBytes, ttlSeconds, network } = options;
      const handed = known ? { known } : {};
      const { infoHash } = source;
      orchestrator.ensure({ kind: 'downloader', name, infoHash, source, ...handed, ttlSeconds, diskBudgetBytes, network });
      return { isNew };
    },
    added: (infoHash) => orchestrator.made(downloaderName(infoHash), AbortSignal.timeout(ADDED_TIMEOUT_MS)).catch(() => {}),
    async lookFor(infoHash) {
      if (isAlive(workload(infoHash))) return;
      await orchestrator.lookFor(downloaderName(infoHash), AbortSignal.timeout(ADDED_TIMEOUT_MS)).catch(() => {});
    },
    workload,
    source: (infoHash) => {
      const spec = workload(infoHash)?.spec;
      return spec?.kind === 'downloader' ? spec.source : undefined;
    },
    status(infoHash, fileIndex) {
      const key = `${infoHash}/${fileIndex ?? ''}`;
      const found = shared.get(key);
      if (found && performance.now() - found.atMs < SHARE_STATUS_MS) return found.answer;
      const answer = ask(infoHash, fileIndex === undefined ? {} : { file: fileIndex });
      shared.set(key, { atMs: performance.now(), answer });
      return answer;
    },
    async ready(infoHash, signal) {
      for (;;) {
        const found = workload(infoHash);
        if (found?.phase === 'failed') throw new ProblemError(found.problem?.code ?? 'workload-failed', found.problem);
        if (!found || !isAlive(found)) throw new ProblemError('torrent-unknown');
        if (files.has(infoHash) && isReady(found)) return;
        if (!isReady(found)) {
          await orchestrator.whenReady(found.name, signal).catch(() => signal.throwIfAborted());
          continue;
        }
        const status = await withSignal(askForNews(infoHash), signal);
        if (status?.state === 'failed') {
          const problem = status.problem ?? buildProblem('invalid-torrent');
          throw new ProblemError(problem.code, problem);
        }
        if (status?.state === 'ready') return;
        await delay(READY_POLL_MS, signal);
      }
    },
    checkFile(infoHash, fileIndex) {
      if (!files.get(infoHash)?.has(fileIndex)) throw new ProblemError('file-unknown');
    },
    fileLengthBytes: (infoHash, fileIndex) => files.get(infoHash)?.get(fileIndex) ?? 0,
    sourceAddress(infoHash, fileIndex) {
      const found = workload(infoHash);
      if (!found?.address) throw new ProblemError('not-ready', { stage: 'finding-peers' });
      const { host, port } = found.address;
      return {
        url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/files/${fileIndex}`,
        token: orchestrator.tokenOf(found.name),
      };
    },
    async prepare(infoHash, fileIndex, signal) {
      const ready = await orchestrator.whenReady(downloaderName(infoHash), signal);
      const response = await client.open(ready, { method: 'POST', path: `/files/${fileIndex}/prepare`, signal });
      response.resume();
    },
    touch(infoHash) {
      const found = workload(infoHash);
      const last = touchedAtMs.get(infoHash) ?? Number.NEGATIVE_INFINITY;
      if (!isReady(found) || performance.now() - last < touchEveryMs) return;
      touchedAtMs.set(infoHash, performance.now());
      client.open(found, { method: 'POST', path: '/touch', signal: AbortSignal.timeout(STATUS_TIMEOUT_MS) }).then(
        (response) => response.resume(),
        () => touchedAtMs.delete(infoHash),
      );
    },
    lifetime(infoHash) {
      const controller = lifetimes.get(infoHash) ?? new AbortController();
      lifetimes.set(infoHash, controller);
      return controller.signal;
    },
    list: () => orchestrator.list().filter((found) => found.spec.kind === 'downloader'),
  };
  return service;
}
