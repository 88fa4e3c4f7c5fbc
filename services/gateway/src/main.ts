import { randomUUID } from 'node:crypto';
import { createLogger } from '@lodestream/service-kit';
import { createAdmission } from './admission/admission.ts';
import { buildApp } from './app.ts';
import { loadGatewayConfig } from './config.ts';
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
import { createWorkerClient } from './workloads/worker-client.ts';
import { downloaderName, logId } from './workloads/workload-name.ts';

/** Composition root: settings → parts → app → listen; and back again on a signal. */
const config = loadGatewayConfig();
const logger = createLogger('gateway', config.logLevel);
const key = openDeploymentKey(config.dataDir);

const orchestrator = createLocalOrchestrator({
  dataDir: config.dataDir,
  key,
  callHomeUrl: `http://127.0.0.1:${config.internalPort}`,
  logger,
  logLevel: config.logLevel,
  ...(config.hasStandby ? { standbySeconds: config.ttlSeconds } : {}),
});
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
  measureDisk: () => measureDiskUsage(config.dataDir),
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
await internal.listen({ host: '127.0.0.1', port: config.internalPort });
const url = await app.listen({ host: config.host, port: config.port });
logger.info({ url }, 'listening');

/** The client of the cluster is large: it is loaded only where it is used. */
async function openDenylistSources(): Promise<ListSource[]> {
  const { file, configMap, url, urlEveryMs } = config.denylist;
  const sources: ListSource[] = [];
  if (file) sources.push(createFileList(file));
  if (configMap) {
    const { openConfigMap } = await import('./denylist/read-config-map.ts');
    sources.push(createConfigMapList(openConfigMap(configMap)));
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
  removeDeploymentKey(config.dataDir);
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void close(signal));
