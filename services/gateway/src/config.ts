import { mkdirSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { loadConfig } from '@lodestream/service-kit';
import { z } from 'zod';

const MIB = 1024 * 1024;

/** Public trackers that answer anybody; an empty setting means none. */
const USUAL_TRACKERS = [
  'udp://tracker.opentrackr.org:1337/announce',
  'udp://open.demonii.com:1337/announce',
  'udp://tracker.torrent.eu.org:451/announce',
  'udp://exodus.desync.com:6969/announce',
];
const USUAL_BOOTSTRAP = ['router.bittorrent.com:6881', 'router.utorrent.com:6881', 'dht.transmissionbt.com:6881'];

const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false', 'on', 'off', '1', '0'])
    .transform((text) => text === 'true' || text === 'on' || text === '1')
    .default(fallback);
const list = (fallback: string[]) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    )
    .default(fallback);
const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);
const count = (fallback: number) => z.coerce.number().int().positive().default(fallback);
const seconds = (fallback: number) => z.coerce.number().positive().default(fallback);

/** Every setting of the gateway; docs/operations.md lists them for operators. */
const Environment = z.object({
  LODESTREAM_HOST: z.string().min(1).default('127.0.0.1'),
  LODESTREAM_PORT: port(8080),
  LODESTREAM_INTERNAL_PORT: port(8081),
  LODESTREAM_PUBLIC_URL: list([]).pipe(z.array(z.url({ protocol: /^https?$/ }))),
  LODESTREAM_TRUSTED_PROXIES: list([]),
  LODESTREAM_ORCHESTRATOR: z.enum(['local']).default('local'),
  LODESTREAM_REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  LODESTREAM_DATA_DIR: z.string().min(1).default('./data'),
  LODESTREAM_CACHE_TTL_SECONDS: seconds(300),
  LODESTREAM_DISK_BUDGET_BYTES: z.coerce.number().int().positive().optional(),
  LODESTREAM_SEGMENT_CACHE_BYTES: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(128 * MIB),
  LODESTREAM_SEGMENT_SECONDS: z.coerce.number().min(2).max(30).default(10),
  LODESTREAM_RUN_SEGMENTS: z.coerce.number().int().positive().optional(),
  LODESTREAM_ENCODE_SLOTS: z.coerce.number().int().positive().optional(),
  LODESTREAM_MAX_SLEEPING_RUNS: count(8),
  LODESTREAM_MAX_RUNS: count(32),
  LODESTREAM_STANDBY: flag(true),
  LODESTREAM_FFMPEG_THREADS: z.coerce.number().int().positive().optional(),
  LODESTREAM_MAX_TORRENTS: count(20),
  LODESTREAM_ALLOWED_PRIVATE_NETWORKS: list([]),
  LODESTREAM_DHT: flag(true),
  LODESTREAM_DHT_BOOTSTRAP: list(USUAL_BOOTSTRAP),
  LODESTREAM_TRACKERS: list(USUAL_TRACKERS),
  LODESTREAM_UPLOAD_BYTES_PER_SECOND: z.coerce.number().int().nonnegative().default(MIB),
  LODESTREAM_PEER_PORTS: z
    .string()
    .regex(/^\d{1,5}-\d{1,5}$/, 'must be first-last')
    .transform((text) => text.split('-').map(Number) as [number, number])
    .optional(),
  LODESTREAM_CLIENT_LIMITS: flag(true),
  LODESTREAM_DRAIN_SECONDS: z.coerce.number().min(0).max(3600).default(0),
  LODESTREAM_DENYLIST_FILE: z.string().min(1).optional(),
  LODESTREAM_DENYLIST_CONFIG_MAP: z
    .string()
    .regex(/^([a-z0-9-]{1,63}\/)?[a-z0-9.-]{1,253}$/, 'must be name or namespace/name')
    .optional(),
  LODESTREAM_DENYLIST_URL: z.url({ protocol: /^https?$/ }).optional(),
  LODESTREAM_DENYLIST_URL_SECONDS: z.coerce.number().min(5).max(86_400).default(60),
  LODESTREAM_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  LODESTREAM_WEB_DIR: z.string().optional(),
});

/** Share of the free disk that is used when no budget is set: the rest belongs to the machine. */
const DISK_SHARE = 0.8;
const MAX_DEFAULT_THREADS = 4;

/** Reads the settings once; a bad value stops the service with a readable list. */
export function loadGatewayConfig(env: NodeJS.ProcessEnv = process.env) {
  const set = loadConfig(Environment, env);
  const cores = availableParallelism();
  const dataDir = resolve(set.LODESTREAM_DATA_DIR);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return Object.freeze({
    host: set.LODESTREAM_HOST,
    port: set.LODESTREAM_PORT,
    internalPort: set.LODESTREAM_INTERNAL_PORT,
    publicHosts: set.LODESTREAM_PUBLIC_URL.map((url) => new URL(url).host.toLowerCase()),
    trustedProxies: set.LODESTREAM_TRUSTED_PROXIES,
    redisUrl: set.LODESTREAM_REDIS_URL,
    dataDir,
    ttlSeconds: set.LODESTREAM_CACHE_TTL_SECONDS,
    diskBudgetBytes: set.LODESTREAM_DISK_BUDGET_BYTES ?? Math.floor(freeBytes(dataDir) * DISK_SHARE),
    segmentCacheBytes: set.LODESTREAM_SEGMENT_CACHE_BYTES,
    segmentSeconds: set.LODESTREAM_SEGMENT_SECONDS,
    runSegments: set.LODESTREAM_RUN_SEGMENTS ?? null,
    encodeSlots: set.LODESTREAM_ENCODE_SLOTS ?? Math.max(1, Math.floor(cores / 2)),
    maxSleepingRuns: set.LODESTREAM_MAX_SLEEPING_RUNS,
    maxRuns: set.LODESTREAM_MAX_RUNS,
    ffmpegThreads: set.LODESTREAM_FFMPEG_THREADS ?? Math.min(cores, MAX_DEFAULT_THREADS),
    hasStandby: set.LODESTREAM_STANDBY,
    maxTorrents: set.LODESTREAM_MAX_TORRENTS,
    hasClientLimits: set.LODESTREAM_CLIENT_LIMITS,
    drainSeconds: set.LODESTREAM_DRAIN_SECONDS,
    denylist: {
      file: set.LODESTREAM_DENYLIST_FILE && resolve(set.LODESTREAM_DENYLIST_FILE),
      configMap: set.LODESTREAM_DENYLIST_CONFIG_MAP,
      url: set.LODESTREAM_DENYLIST_URL,
      urlEveryMs: set.LODESTREAM_DENYLIST_URL_SECONDS * 1000,
    },
    logLevel: set.LODESTREAM_LOG_LEVEL,
    webDir: resolve(set.LODESTREAM_WEB_DIR ?? new URL('../../../web/dist', import.meta.url).pathname),
    network: {
      dht: set.LODESTREAM_DHT,
      dhtBootstrap: set.LODESTREAM_DHT_BOOTSTRAP,
      trackers: set.LODESTREAM_TRACKERS,
      allowedPrivateNetworks: set.LODESTREAM_ALLOWED_PRIVATE_NETWORKS,
      uploadBytesPerSecond: set.LODESTREAM_UPLOAD_BYTES_PER_SECOND,
      ...(set.LODESTREAM_PEER_PORTS ? { peerPorts: set.LODESTREAM_PEER_PORTS } : {}),
    },
  });
}

function freeBytes(dir: string): number {
  const stats = statfsSync(dir);
  return stats.bavail * stats.bsize;
}
