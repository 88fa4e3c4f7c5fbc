import { randomUUID } from 'node:crypto';
import { makeTempDir, pickFreePort } from '@lodestream/testing';
import type { FastifyInstance } from 'fastify';
import { createAdmission } from '../src/admission/admission.ts';
import { buildApp } from '../src/app.ts';
import { createDenylist } from '../src/denylist/denylist.ts';
import { createDenylistGuard } from '../src/denylist/guard.ts';
import type { ListSource } from '../src/denylist/list-source.ts';
import { createDrain, type Drain } from '../src/drain.ts';
import { createClientLimits } from '../src/edge/client-limits.ts';
import { createMetrics } from '../src/metrics.ts';
import { createMediaInfoService } from '../src/playback/media-info-service.ts';
import { createRunFleet } from '../src/playback/run-fleet.ts';
import { createSegmentCache } from '../src/playback/segment-cache.ts';
import { createSegmentService } from '../src/playback/segment-service.ts';
import type { Deps } from '../src/routes/deps.ts';
import { buildInternalApp } from '../src/routes/internal.ts';
import { createMemoryStore } from '../src/state/memory-store.ts';
import type { Store } from '../src/state/store.ts';
import { createSwarmKnowledgeStore } from '../src/torrents/swarm-knowledge.ts';
import { createTorrentService } from '../src/torrents/torrent-service.ts';
import { createViewerService } from '../src/torrents/viewer-service.ts';
import { openDeploymentKey } from '../src/workloads/local/deployment-key.ts';
import { createLocalOrchestrator } from '../src/workloads/local/local-orchestrator.ts';
import type { Orchestrator } from '../src/workloads/orchestrator.ts';
import { createWorkerClient } from '../src/workloads/worker-client.ts';
import { logger } from './describe-orchestrator.ts';

/** The real parts of a gateway as main.ts joins them, on loopback, with the settings that a test wants. */
export type TestApp = AsyncDisposable & {
  readonly app: FastifyInstance;
  readonly internal: FastifyInstance;
  readonly deps: Deps;
  readonly store: Store;
};

export type TestAppOptions = {
  holdMs?: number;
  publicHosts?: string[];
  trustedProxies?: string[];
  maxTorrents?: number;
  webDir?: string;
  hasClientLimits?: boolean;
  denylist?: ListSource[];
  /** One of several gateways: they have these in common. */
  shared?: { orchestrator: Orchestrator; store: Store };
  drain?: Drain;
  /** Puts something between the routes and what they stand on. */
  wrap?: (deps: Deps) => Deps;
};

const TTL_SECONDS = 60;
const DISK_BUDGET_BYTES = 50_000_000;

export function openTestOrchestrator(dataDir: string, internalPort: number): Orchestrator {
  return createLocalOrchestrator({
    dataDir,
    key: openDeploymentKey(dataDir),
    callHomeUrl: `http://127.0.0.1:${internalPort}`,
    logger,
    logLevel: 'warn',
  });
}

export async function openTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const dir = await makeTempDir('edge');
  const internalPort = await pickFreePort();
  const orchestrator = options.shared?.orchestrator ?? openTestOrchestrator(dir.path, internalPort);
  const client = createWorkerClient((name) => orchestrator.tokenOf(name));
  const store = options.shared?.store ?? createMemoryStore();
  const network = {
    dht: false,
    dhtBootstrap: [],
    trackers: [],
    allowedPrivateNetworks: ['127.0.0.0/8'],
    uploadBytesPerSecond: 0,
  };
  const [ttlSeconds, diskBudgetBytes] = [TTL_SECONDS, DISK_BUDGET_BYTES];
  const torrents = createTorrentService({ orchestrator, client, ttlSeconds, diskBudgetBytes, network });
  const knowledge = createSwarmKnowledgeStore({ store, orchestrator, client });
  const media = createMediaInfoService({ store, torrents, orchestrator, client, ttlSeconds, segmentSeconds: 10 });
  const fleet = createRunFleet({
    gatewayId: randomUUID(),
    orchestrator,
    client,
    encodeSlots: 1,
    maxSleepingRuns: 8,
    runSegments: null,
    locateSource: (spec) => spec.source,
    logger,
  });
  const cache = createSegmentCache(1_000_000, ttlSeconds);
  const segments = createSegmentService({
    torrents,
    media,
    fleet,
    cache,
    ttlSeconds,
    ffmpegThreads: 1,
    runSegments: null,
    maxRuns: 8,
  });
  const viewers = createViewerService({ torrents, media, segments, fleet });
  const admission = createAdmission({
    torrents,
    orchestrator,
    maxTorrents: options.maxTorrents ?? 20,
    diskBudgetBytes,
    measureDisk: async () => ({ totalBytes: 0, byWorkload: new Map() }),
    logger,
  });
  const denylist = createDenylist(options.denylist ?? [], logger);
  const guard = createDenylistGuard({
    denylist,
    orchestrator,
    torrents,
    cache,
    media,
    knowledge,
    logName: (infoHash) => infoHash,
    logger,
  });
  await denylist.asked;
  const limits = createClientLimits(store, options.hasClientLimits ?? false);
  const metrics = createMetrics({
    workloads: () => orchestrator.list().map(({ spec, phase }) => ({ kind: spec.kind, phase })),
    runs: () => ({ asleep: 0, awake: fleet.making().length }),
    cacheBytes: () => cache.sizeBytes(),
  });
  const deps: Deps = {
    torrents,
    viewers,
    holdMs: options.holdMs ?? 400,
    media,
    segments,
    orchestrator,
    client,
    drain: options.drain ?? createDrain(0),
    guard,
    limits,
    admission,
    knowledge,
    metrics,
    logger,
    publicHosts: options.publicHosts ?? [],
    trustedProxies: options.trustedProxies ?? [],
    webDir: options.webDir ?? dir.path,
  };
  const app = await buildApp(options.wrap?.(deps) ?? deps);
  const internal = buildInternalApp(orchestrator, metrics, logger);
  await internal.listen({ host: '127.0.0.1', port: internalPort });
  return {
    app,
    internal,
    deps,
    store,
    async [Symbol.asyncDispose]() {
      await app.close();
      await internal.close();
      admission[Symbol.dispose]();
      knowledge[Symbol.dispose]();
      guard[Symbol.dispose]();
      denylist[Symbol.dispose]();
      fleet[Symbol.dispose]();
      if (!options.shared) await orchestrator[Symbol.asyncDispose]();
      client[Symbol.dispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}
