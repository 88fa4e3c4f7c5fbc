import { createLogger } from '@lodestream/service-kit';
import type { RunSpec } from '@lodestream/shared';
import { createAdmission } from './admission/admission.ts';
import { buildApp } from './app.ts';
import { type KubernetesConfig, loadGatewayConfig } from './config.ts';
import { createClientLimits } from './edge/client-limits.ts';
import { createMetrics } from './metrics.ts';
import { createMediaInfoService } from './playback/media-info-service.ts';
import { createRunFleet } from './playback/run-fleet.ts';
import { createSegmentCache } from './playback/segment-cache.ts';
import { createSegmentService } from './playback/segment-service.ts';
import { HOLD_MS } from './routes/hold.ts';
import { buildInternalApp } from './routes/internal.ts';
import { createMemoryStore } from './state/memory-store.ts';
import { createRedisStore } from './state/redis-store.ts';
import { createSwarmKnowledgeStore } from './torrents/swarm-knowledge.ts';
import { createTorrentService } from './torrents/torrent-service.ts';
import { createViewerService } from './torrents/viewer-service.ts';
import { openDeploymentKey, removeDeploymentKey } from './workloads/local/deployment-key.ts';
import { measureDiskUsage } from './workloads/local/disk-usage.ts';
import { createLocalOrchestrator } from './workloads/local/local-orchestrator.ts';
import type { Orchestrator } from './workloads/orchestrator.ts';
import { createWorkerClient } from './workloads/worker-client.ts';

/** Composition root: settings → parts → app → listen; and back again on a signal. */
const config = loadGatewayConfig();
const logger = createLogger('gateway', config.logLevel);
const { orchestrator, measureDisk, forgetKey } = config.kubernetes ? await openCluster(config.kubernetes) : openMachine();
const client = createWorkerClient((name) => orchestrator.tokenOf(name));
const store = config.redisUrl ? createRedisStore(config.redisUrl, logger) : createMemoryStore();
const { ttlSeconds, diskBudgetBytes, network, segmentSeconds, runSegments, ffmpegThreads, maxRuns } = config;
const torrents = createTorrentService({ orchestrator, client, ttlSeconds, diskBudgetBytes, network });
const knowledge = createSwarmKnowledgeStore({ store, orchestrator, client });
const media = createMediaInfoService({ store, torrents, orchestrator, client, ttlSeconds, segmentSeconds });
const fleet = createRunFleet({
  orchestrator,
  client,
  encodeSlots: config.encodeSlots,
  maxSleepingRuns: config.maxSleepingRuns,
  runSegments,
  locateSource,
  keyOf: keyOfRun,
  logger,
});
const cache = createSegmentCache(config.segmentCacheBytes, ttlSeconds);
const segments = createSegmentService({ torrents, media, fleet, cache, ttlSeconds, ffmpegThreads, runSegments, maxRuns });
const viewers = createViewerService({ torrents, media, segments, fleet });
const admission = createAdmission({
  torrents,
  orchestrator,
  maxTorrents: config.maxTorrents,
  diskBudgetBytes,
  measureDisk,
  logger,
});
const limits = createClientLimits(store, config.hasClientLimits);
const metrics = createMetrics({
  workloads: () => orchestrator.list().map(({ spec, phase }) => ({ kind: spec.kind, phase })),
  runs: () => {
    const phases = fleet.making().map((run) => run.status?.phase);
    const asleep = phases.filter((phase) => phase === 'asleep').length;
    return { asleep, awake: phases.length - asleep };
  },
  cacheBytes: () => cache.sizeBytes(),
});

const app = await buildApp({
  torrents,
  viewers,
  holdMs: HOLD_MS,
  media,
  segments,
  orchestrator,
  client,
  limits,
  admission,
  knowledge,
  metrics,
  logger,
  publicHosts: config.publicHosts,
  trustedProxies: config.trustedProxies,
  webDir: config.webDir,
});
const internal = buildInternalApp(orchestrator, metrics, logger);
const sweeper = setInterval(() => cache.sweep(), 1000);
sweeper.unref();

await internal.listen({ host: config.internalHost, port: config.internalPort });
const url = await app.listen({ host: config.host, port: config.port });
logger.info({ url }, 'listening');

/** Workloads as child processes, and all that they write in the data directory. */
function openMachine() {
  const { dataDir, internalPort, logLevel, hasStandby, ttlSeconds } = config;
  const options = {
    dataDir,
    key: openDeploymentKey(dataDir),
    callHomeUrl: `http://127.0.0.1:${internalPort}`,
    logger,
    logLevel,
    ...(hasStandby ? { standbySeconds: ttlSeconds } : {}),
  };
  return {
    orchestrator: createLocalOrchestrator(options) as Orchestrator,
    measureDisk: () => measureDiskUsage(dataDir),
    forgetKey: () => removeDeploymentKey(dataDir),
  };
}

/** Workloads as pods. The client of Kubernetes is large: it is loaded where it is needed. */
async function openCluster({ namespace, instance, owner, key, callHomeUrls, ...pods }: KubernetesConfig) {
  const [{ createClusterClient }, { openKubernetesOrchestrator }] = await Promise.all([
    import('./workloads/kubernetes/cluster-client.ts'),
    import('./workloads/kubernetes/kubernetes-orchestrator.ts'),
  ]);
  const cluster = createClusterClient(namespace);
  const place = {
    instance,
    downloader: pods.downloader,
    transcoder: pods.transcoder,
    callHomeUrls,
    logLevel: config.logLevel,
    owner: owner === undefined ? undefined : { name: owner, uid: await cluster.readConfigMapUid(owner) },
  };
  return {
    orchestrator: await openKubernetesOrchestrator({ cluster, place, key, logger }),
    // Each pod keeps within its own volume.
    measureDisk: async () => ({ totalBytes: 0, byWorkload: new Map<string, number>() }),
    forgetKey() {},
  };
}

/** A run knows its source by the downloader's token. */
function downloaderOf({ source }: Pick<RunSpec, 'source'>) {
  return torrents.list().find(({ name }) => orchestrator.tokenOf(name) === source.token);
}

/** Of the segments that it makes, as the segment service names them. */
function keyOfRun(spec: RunSpec): string | undefined {
  const downloader = downloaderOf(spec)?.spec;
  const fileIndex = /\/files\/(\d+)$/.exec(spec.source.url)?.[1];
  return downloader?.kind === 'downloader' && fileIndex !== undefined
    ? `${downloader.infoHash}/${Number(fileIndex)}/${spec.rendition.id}`
    : undefined;
}

/** A downloader that was started again may be at another address. */
function locateSource({ source }: RunSpec) {
  const owner = downloaderOf({ source });
  if (!owner?.address) return undefined;
  const { host, port } = owner.address;
  const url = new URL(source.url);
  url.host = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { url: url.href, token: source.token };
}

const CLOSE_TIMEOUT_MS = 5000;
let isClosing = false;

/** Ends everything that this gateway started, and leaves nothing in the data directory. */
async function close(signal: string): Promise<void> {
  if (isClosing) return;
  isClosing = true;
  logger.info({ signal }, 'closing');
  setTimeout(() => process.exit(1), CLOSE_TIMEOUT_MS).unref();
  clearInterval(sweeper);
  await Promise.allSettled([app.close(), internal.close()]);
  admission[Symbol.dispose]();
  knowledge[Symbol.dispose]();
  fleet[Symbol.dispose]();
  await orchestrator[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  client[Symbol.dispose]();
  forgetKey();
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void close(signal));
