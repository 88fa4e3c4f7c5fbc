import { randomUUID } from 'node:crypto';
import { createLogger } from '@lodestream/service-kit';
import { createAdmission } from './admission/admission.ts';
import { buildApp } from './app.ts';
import { type KubernetesConfig, loadGatewayConfig } from './config.ts';
import { createConfigMapList } from './denylist/config-map-list.ts';
import { createDenylist } from './denylist/denylist.ts';
import { createFileList } from './denylist/file-list.ts';
import { createDenylistGuard } from './denylist/guard.ts';
import type { ListSource } from './denylist/list-source.ts';
import { rememberList } from './denylist/remember-list.ts';
import { createUrlList } from './denylist/url-list.ts';
import { createDrain } from './drain.ts';
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
import { downloaderName, logId } from './workloads/workload-name.ts';

/** Composition root: settings → parts → app → listen; and back again on a signal. */
const config = loadGatewayConfig();
const logger = createLogger('gateway', config.logLevel);
const { orchestrator, key, measureDisk, forgetKey } = config.kubernetes ? await openCluster(config.kubernetes) : openMachine();
const client = createWorkerClient((name) => orchestrator.tokenOf(name));
const store = config.redisUrl ? createRedisStore(config.redisUrl, logger) : createMemoryStore();
const { ttlSeconds, diskBudgetBytes, network, segmentSeconds, runSegments, ffmpegThreads, maxRuns } = config;
const torrents = createTorrentService({ orchestrator, client, ttlSeconds, diskBudgetBytes, network });
const knowledge = createSwarmKnowledgeStore({ store, orchestrator, client });
const media = createMediaInfoService({ store, torrents, orchestrator, client, ttlSeconds, segmentSeconds });
const fleet = createRunFleet({
  gatewayId: randomUUID(),
  orchestrator,
  client,
  encodeSlots: config.encodeSlots,
  maxSleepingRuns: config.maxSleepingRuns,
  runSegments,
  // A downloader that was started again may be elsewhere.
  locateSource: ({ infoHash, fileIndex }) => torrents.workload(infoHash)?.address && torrents.sourceAddress(infoHash, fileIndex),
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
const denylist = createDenylist(await openDenylistSources(), logger);
const guard = createDenylistGuard({
  denylist,
  orchestrator,
  torrents,
  cache,
  media,
  knowledge,
  logName: (infoHash) => logId(key, downloaderName(infoHash)),
  logger,
});
const drain = createDrain(config.drainSeconds);
const limits = createClientLimits(store, config.hasClientLimits);
const metrics = createMetrics({
  workloads: () => orchestrator.list().map(({ spec, phase }) => ({ kind: spec.kind, phase })),
  runs: () => {
    const phases = fleet.making().map((run) => run.status?.phase);
    const asleep = phases.filter((phase) => phase === 'asleep').length;
    return { asleep, awake: phases.length - asleep };
  },
  cacheBytes: () => cache.sizeBytes(),
  ...(denylist.states().length > 0 ? { denylist: { sources: denylist.states, counts: guard.counts } } : {}),
});

const app = await buildApp({
  torrents,
  viewers,
  holdMs: HOLD_MS,
  media,
  segments,
  orchestrator,
  client,
  drain,
  guard,
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

// Nobody is answered before the lists have been asked for: each takes a bounded time.
await denylist.asked;
await internal.listen({ host: config.internalHost, port: config.internalPort });
const url = await app.listen({ host: config.host, port: config.port });
logger.info({ url }, 'listening');

/** Workloads as child processes, and all that they write in the data directory. */
function openMachine() {
  const { dataDir, internalPort, logLevel, hasStandby, ttlSeconds } = config;
  const key = openDeploymentKey(dataDir);
  const options = {
    dataDir,
    key,
    callHomeUrl: `http://127.0.0.1:${internalPort}`,
    logger,
    logLevel,
    ...(hasStandby ? { standbySeconds: ttlSeconds } : {}),
  };
  return {
    orchestrator: createLocalOrchestrator(options) as Orchestrator,
    key,
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
    key,
    // Each pod keeps within its own volume.
    measureDisk: async () => ({ totalBytes: 0, byWorkload: new Map<string, number>() }),
    forgetKey() {},
  };
}

/** The client of the cluster is large: it is loaded only where it is used. */
async function openDenylistSources(): Promise<ListSource[]> {
  const { file, configMap, url, urlEveryMs } = config.denylist;
  const sources: ListSource[] = [];
  if (file) sources.push(createFileList(file));
  if (configMap) {
    const { createClusterClient } = await import('./workloads/kubernetes/cluster-client.ts');
    const cluster = createClusterClient(config.kubernetes?.namespace);
    sources.push(createConfigMapList((signal) => cluster.readConfigMap(configMap, signal)));
  }
  if (url) sources.push(rememberList(createUrlList(url, urlEveryMs), url, store));
  return sources;
}

const CLOSE_TIMEOUT_MS = 5000;
let isClosing = false;

/** Lets others take over, then ends everything that this gateway alone is there for, and leaves nothing of it in the data directory. */
async function close(signal: string): Promise<void> {
  logger.info({ signal }, 'closing');
  const drained = drain.run(app.server);
  if (isClosing) return;
  isClosing = true;
  await drained;
  setTimeout(() => process.exit(1), CLOSE_TIMEOUT_MS).unref();
  clearInterval(sweeper);
  await Promise.allSettled([app.close(), internal.close()]);
  admission[Symbol.dispose]();
  knowledge[Symbol.dispose]();
  guard[Symbol.dispose]();
  denylist[Symbol.dispose]();
  fleet[Symbol.dispose]();
  await orchestrator[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  client[Symbol.dispose]();
  forgetKey();
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void close(signal));
