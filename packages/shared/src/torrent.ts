import { z } from 'zod';
import { InfoHash, InfoHashV2 } from './info-hash.ts';
import { Problem } from './problem.ts';
import { Hint, Stage } from './viewer-stage.ts';

export const FileKind = z.enum(['video', 'audio', 'image', 'subtitle', 'text', 'other']);
export type FileKind = z.infer<typeof FileKind>;

/** One file inside a torrent. `path` is display text, sanitised; it never names anything on a disk of ours. */
export const TorrentFile = z.object({
  index: z.int().nonnegative(),
  path: z.string(),
  lengthBytes: z.int().nonnegative(),
  kind: FileKind,
});
export type TorrentFile = z.infer<typeof TorrentFile>;

export const SwarmStats = z.object({
  peers: z.int().nonnegative(),
  seeders: z.int().nonnegative(),
  downloadBytesPerSecond: z.number().nonnegative(),
  uploadBytesPerSecond: z.number().nonnegative(),
  havePieces: z.int().nonnegative(),
  pieceCount: z.int().nonnegative(),
});
export type SwarmStats = z.infer<typeof SwarmStats>;

export const TorrentStatus = z.enum(['queued', 'resolving', 'ready', 'failed']);
export type TorrentStatus = z.infer<typeof TorrentStatus>;

/** The public picture of a torrent. */
export const Torrent = z.object({
  infoHash: InfoHash,
  name: z.string(),
  status: TorrentStatus,
  lengthBytes: z.int().nonnegative(),
  files: z.array(TorrentFile),
  swarm: SwarmStats,
  stage: Stage,
  hints: z.array(Hint),
  problem: Problem.optional(),
});
export type Torrent = z.infer<typeof Torrent>;

/** What `POST /api/v1/torrents` takes as JSON. */
export const AddTorrentBody = z.union([
  z.strictObject({ magnet: z.string().max(16_384) }),
  z.strictObject({ infoHash: z.string().max(64) }),
]);

/**
 * One message of the event stream (`GET …/events?file=N`, event name `state`): the torrent without its file list, and the
 * pieces of file N that are here, one bit a piece, first piece in the highest bit, base64.
 */
export const TorrentEvent = Torrent.omit({ files: true }).extend({
  pieces: z.object({ count: z.int(), have: z.string() }).optional(),
});
export type TorrentEvent = z.infer<typeof TorrentEvent>;

/**
 * Where a torrent comes from, after our own parser has read it: nothing of the user's text but these checked values
 * goes any further.
 */
export const TorrentSource = z.object({
  infoHash: InfoHash,
  /** Of a hybrid, where it is known: for the denylist alone. */
  infoHashV2: InfoHashV2.optional(),
  displayName: z.string().max(255),
  trackers: z.array(z.string().max(2048)).max(20),
  /** `x.pe` of the magnet: `host:port`, at most 8 are honoured (BEP 9). */
  peers: z.array(z.string().max(128)).max(8),
  /** Web seeds (BEP 19): `ws` of the magnet or `url-list` of the .torrent. */
  webSeeds: z.array(z.string().max(2048)).max(8).optional(),
  /** The whole .torrent document, base64, when one was uploaded: checked by our own parser, hash from the raw bytes. */
  metainfo: z.base64().optional(),
});
export type TorrentSource = z.infer<typeof TorrentSource>;
