import { z } from 'zod';
import { InfoHash, InfoHashV2 } from './info-hash.ts';
import { MediaInfo } from './media-info.ts';
import { Problem } from './problem.ts';
import { Rendition } from './rendition.ts';
import { SwarmStats, TorrentFile, TorrentSource } from './torrent.ts';

/**
 * What passes between the gateway and a worker. A worker gets its spec at its start and calls home once
 * (`POST /call-home`); after that the gateway asks and the worker answers. Every request carries
 * `authorization: Bearer <token>`, token = HMAC-SHA256(deployment key, workload name), hex.
 */

/** Where the bytes of the source are: a file of a downloader, and the downloader's token. */
export const SourceAddress = z.object({ url: z.url(), token: z.string() });
export type SourceAddress = z.infer<typeof SourceAddress>;

const common = {
  name: z.string().regex(/^[a-z][a-z0-9-]{1,62}$/),
  ttlSeconds: z.number().positive(),
};

/** Peers of one torrent and nodes of the DHT that are handed on; a second of dialling. */
export const KNOWN_PEERS_MAX = 30;
export const KNOWN_DHT_NODES_MAX = 50;
/** `[2001:db8::1%scope]:65535` and shorter. */
const KnownAddress = z.string().max(64);

/**
 * What a downloader has learned of its swarm, for the next one of the same torrent (`GET /knowledge`). Hints only: the
 * metadata counts by its hash, and addresses pass the filter of whoever dials them.
 */
export const SwarmKnowledge = z.object({
  /** The raw info dictionary, base64. */
  metadata: z.base64().optional(),
  /** `host:port` of peers that sent good pieces, best first. */
  peers: z.array(KnownAddress).max(KNOWN_PEERS_MAX),
  /** `host:port` of nodes that answered. */
  dhtNodes: z.array(KnownAddress).max(KNOWN_DHT_NODES_MAX),
});
export type SwarmKnowledge = z.infer<typeof SwarmKnowledge>;

export const DownloaderSpec = z.object({
  kind: z.literal('downloader'),
  ...common,
  infoHash: InfoHash,
  source: TorrentSource,
  known: SwarmKnowledge.optional(),
  diskBudgetBytes: z.int().positive(),
  network: z.object({
    dht: z.boolean(),
    dhtBootstrap: z.array(z.string()),
    trackers: z.array(z.string()),
    allowedPrivateNetworks: z.array(z.string()),
    uploadBytesPerSecond: z.int().nonnegative(),
    /** `[first, last]`, or none: any free port. */
    peerPorts: z.tuple([z.int(), z.int()]).optional(),
  }),
});
export type DownloaderSpec = z.infer<typeof DownloaderSpec>;

/** Whose bytes a transcoder reads: for gateways that find it; it asks nobody for the torrent itself. */
const ofFile = { infoHash: InfoHash, fileIndex: z.int().nonnegative() };

export const ProbeSpec = z.object({
  kind: z.literal('probe'),
  ...common,
  ...ofFile,
  source: SourceAddress,
  lengthBytes: z.int().nonnegative(),
});
export type ProbeSpec = z.infer<typeof ProbeSpec>;

export const RunSpec = z.object({
  kind: z.literal('run'),
  ...common,
  ...ofFile,
  source: SourceAddress,
  lengthBytes: z.int().nonnegative(),
  container: z.string(),
  isIndexed: z.boolean(),
  rendition: Rendition,
  /** Where the rendition's stream ends in the source, by the probe: only beyond it an audio run makes silence. */
  streamEndSeconds: z.number().optional(),
  /**
   * Sound whose container rounds times to milliseconds: its frames really last `frameSamples` each from `startSeconds` on.
   * A run that starts in the middle would else begin up to half a millisecond beside the one before it.
   */
  soundFrames: z
    .object({ startSeconds: z.number(), frameSamples: z.int().positive(), sampleRate: z.int().positive() })
    .optional(),
  startSegment: z.int().nonnegative(),
  /** The first segment that is not this run's; null: to the film's last segment, which is a run of its own. */
  until: z.int().positive().nullable(),
  ffmpegThreads: z.int().positive(),
});
export type RunSpec = z.infer<typeof RunSpec>;

export const WorkerSpec = z.discriminatedUnion('kind', [DownloaderSpec, ProbeSpec, RunSpec]);
export type WorkerSpec = z.infer<typeof WorkerSpec>;

/** `POST /call-home` on the gateway's internal port. `uid`: of the pod, where the worker runs in one. */
export const CallHome = z.object({
  name: z.string(),
  address: z.string(),
  port: z.int().positive(),
  uid: z.string().optional(),
});
export type CallHome = z.infer<typeof CallHome>;

/** `GET /status[?file=N]` of a downloader. */
export const DownloaderStatus = z.object({
  kind: z.literal('downloader'),
  infoHash: InfoHash,
  state: z.enum(['resolving', 'ready', 'failed', 'leaving']),
  problem: Problem.optional(),
  /** Of a hybrid, once its metadata is known. */
  infoHashV2: InfoHashV2.optional(),
  name: z.string(),
  lengthBytes: z.int().nonnegative(),
  pieceLength: z.int().nonnegative(),
  files: z.array(TorrentFile),
  swarm: SwarmStats,
  /** How long it has been without a connected peer; 0 with one. */
  secondsWithoutPeers: z.number().nonnegative(),
  /** The connected peers and we together lack at least one piece; false while nobody is connected. */
  isIncompleteSwarm: z.boolean(),
  /** Bits of the asked file's pieces, first piece in the highest bit, base64. */
  pieces: z.object({ count: z.int(), have: z.string() }).optional(),
  idleSeconds: z.number(),
});
export type DownloaderStatus = z.infer<typeof DownloaderStatus>;

/** `GET /status` of a probe. */
export const ProbeStatus = z.object({
  kind: z.literal('probe'),
  phase: z.enum(['waiting-for-bytes', 'probing', 'done', 'failed']),
  mediaInfo: MediaInfo.optional(),
  problem: Problem.optional(),
  idleSeconds: z.number(),
});
export type ProbeStatus = z.infer<typeof ProbeStatus>;

/**
 * `PUT /orders` to a run: what the gateway wants of it now. Sent at every change and every second while anyone is
 * interested; the answer is the `RunStatus`. Orders are no access, `touch` is.
 */
export const RunOrders = z.object({
  /** Which gateway says so: a run does what all of them want together, and `touch` and `until` of any. */
  from: z.string().min(1).max(64),
  /** The first segment that another run begins with; this run ends there, and never later again. null: none. */
  until: z.int().positive().nullable(),
  /** The furthest segment that a viewer has asked for lately. */
  demand: z.int().nonnegative(),
  /** False: this gateway has no slot for it. Where none has, it falls asleep at once: another run waits for the slot. */
  hasSlot: z.boolean(),
  /** Seconds of the film that a waiting request is for; null: nobody waits, reads are read-ahead. */
  heldSeconds: z.number().nullable(),
  /** Segments served from the gateway's memory since the last orders. */
  touch: z.array(z.int().nonnegative()),
  source: SourceAddress,
});
export type RunOrders = z.infer<typeof RunOrders>;

/** How a run ended. `broken`: what it made last is not to be trusted and was dropped. */
export const RunOutcome = z.enum(['finished', 'reached-until', 'broken', 'stopped']);
export type RunOutcome = z.infer<typeof RunOutcome>;

/** `GET /status` of a run. */
export const RunStatus = z.object({
  kind: z.literal('run'),
  name: z.string(),
  phase: z.enum(['starting', 'running', 'asleep', 'ended']),
  outcome: RunOutcome.optional(),
  /** Why it is `broken`: for logs and operators. */
  reason: z.string().optional(),
  startSegment: z.int(),
  /** The first segment that is not complete yet. */
  nextSegment: z.int(),
  until: z.int(),
  /** Finished segments that are still on its disk. */
  heldSegments: z.array(z.int()),
  partsMade: z.int(),
  /** Media seconds made a second awake, once it is under way; 0: not known yet. */
  speed: z.number(),
  ffmpegPid: z.int().nullable(),
  /** A request waits for it at some gateway. */
  isWaitedFor: z.boolean(),
  idleSeconds: z.number(),
});
export type RunStatus = z.infer<typeof RunStatus>;

export const WorkerStatus = z.discriminatedUnion('kind', [DownloaderStatus, ProbeStatus, RunStatus]);
export type WorkerStatus = z.infer<typeof WorkerStatus>;
