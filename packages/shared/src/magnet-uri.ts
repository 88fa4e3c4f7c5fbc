import { sanitizeDisplayName } from './display-name.ts';
import { type InfoHash, parseInfoHash } from './info-hash.ts';
import type { ProblemCode } from './problem.ts';
import type { TorrentSource } from './torrent.ts';
import { filterTrackers, filterWebSeeds, PEERS_MAX, parsePeerAddress } from './torrent-address.ts';

/** About 160 trackers fit; it keeps a magnet of 20,000 trackers from being read at all. */
export const MAGNET_MAX_CHARS = 16 * 1024;

export type MagnetResult = { source: TorrentSource } | { problem: ProblemCode; detail?: string };

const BTIH = 'urn:btih:';
const BTMH = 'urn:btmh:';
/** Multihash of SHA-256 with 32 bytes (BEP 52). */
const SHA256_MULTIHASH = /^1220([0-9a-f]{64})$/;

/**
 * Reads a magnet link (BEP 9), or a bare v1 info hash, into the few checked values that go any further: hash, name,
 * trackers, at most 8 peer addresses and 8 web seeds. Everything else a magnet may carry (`xs`, `as`, `so`) is addresses
 * to fetch from or lists to expand, and is ignored.
 */
export function parseMagnetUri(text: string): MagnetResult {
  if (text.length > MAGNET_MAX_CHARS) return { problem: 'invalid-magnet', detail: 'The magnet link is too long' };
  const trimmed = text.trim();
  const bare = parseInfoHash(trimmed);
  if (bare) return { source: { infoHash: bare, displayName: '', trackers: [], peers: [] } };
  const query = /^magnet:\/?\?(.*)$/is.exec(trimmed)?.[1];
  if (query === undefined) return { problem: 'invalid-magnet', detail: 'It does not begin with magnet:?' };

  let infoHash: InfoHash | null = null;
  let hasV2Hash = false;
  let infoHashV2: string | undefined;
  let displayName = '';
  const trackers: string[] = [];
  const peers: string[] = [];
  const webSeeds: string[] = [];
  for (const parameter of query.split('&')) {
    const { key, value } = splitParameter(parameter);
    if (value === null) continue;
    if (key === 'xt') {
      const topic = value.toLowerCase();
      if (topic.startsWith(BTMH)) {
        hasV2Hash = true;
        infoHashV2 ??= SHA256_MULTIHASH.exec(topic.slice(BTMH.length))?.[1];
      } else if (topic.startsWith(BTIH)) infoHash ??= parseExactHash(value.slice(BTIH.length));
    } else if (key === 'dn') displayName ||= sanitizeDisplayName(value);
    else if (key === 'tr') trackers.push(value);
    else if (key === 'ws') webSeeds.push(value);
    else if (key === 'x.pe' && peers.length < PEERS_MAX && parsePeerAddress(value)) peers.push(value);
  }
  if (infoHash) {
    const urls = filterWebSeeds(webSeeds);
    const source: TorrentSource = {
      infoHash,
      ...(infoHashV2 === undefined ? {} : { infoHashV2 }),
      displayName,
      trackers: filterTrackers(trackers),
      peers,
      ...(urls.length > 0 ? { webSeeds: urls } : {}),
    };
    return { source };
  }
  if (hasV2Hash) return { problem: 'torrent-v2-only' };
  return { problem: 'invalid-magnet', detail: 'It has no BitTorrent info hash' };
}

/** Keys in any case, and numbered (`tr.1`) as some clients write them; `null` where the percent signs make no sense. */
function splitParameter(parameter: string): { key: string; value: string | null } {
  const equals = parameter.indexOf('=');
  if (equals === -1) return { key: '', value: null };
  const key = parameter
    .slice(0, equals)
    .toLowerCase()
    .replace(/\.\d+$/, '');
  try {
    return { key, value: decodeURIComponent(parameter.slice(equals + 1).replaceAll('+', ' ')) };
  } catch {
    return { key, value: null };
  }
}

/** No trimming here: a hash with a space in it is a broken hash. */
function parseExactHash(text: string): InfoHash | null {
  return /\s/.test(text) ? null : parseInfoHash(text);
}
