/** Trackers that are kept of one torrent: more of them only multiply the announces (security.md §6.1). */
export const TRACKERS_MAX = 20;
const URL_MAX_CHARS = 2048;
/** `x.pe` addresses that are kept (architecture §7). */
export const PEERS_MAX = 8;
const PEER_MAX_CHARS = 128;

/** Web seeds that are kept (architecture §7). */
export const WEB_SEEDS_MAX = 8;

const TRACKER_PROTOCOLS = new Set(['udp:', 'http:', 'https:', 'ws:', 'wss:']);

/**
 * Keeps the tracker URLs that may be announced to: known protocols, no credentials, a real port; the first 20, each once.
 * Whether the host's address may be dialled is the downloader's business.
 */
export function filterTrackers(candidates: Iterable<string>): string[] {
  const kept = new Set<string>();
  for (const candidate of candidates) {
    if (kept.size >= TRACKERS_MAX) break;
    const url = readTracker(candidate.trim());
    if (url !== null) kept.add(url);
  }
  return [...kept];
}

/**
 * Keeps the addresses of web seeds (BEP 19) that may be fetched from: http and https without credentials; the first 8, each
 * once. Whether the host's address may be dialled is the downloader's business.
 */
export function filterWebSeeds(candidates: Iterable<string>): string[] {
  const kept = new Set<string>();
  for (const candidate of candidates) {
    if (kept.size >= WEB_SEEDS_MAX) break;
    const url = readUrl(candidate.trim());
    if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) kept.add(url.href);
  }
  return [...kept];
}

/** Reads `host:port` or `[v6]:port` (BEP 9, `x.pe`); `null` when it is neither. */
export function parsePeerAddress(text: string): { host: string; port: number } | null {
  if (text.length > PEER_MAX_CHARS) return null;
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : null;
}

function readTracker(text: string): string | null {
  const url = readUrl(text);
  if (!url || !TRACKER_PROTOCOLS.has(url.protocol)) return null;
  return url.protocol === 'udp:' && url.port === '' ? null : url.href;
}

function readUrl(text: string): URL | null {
  if (text.length === 0 || text.length > URL_MAX_CHARS || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.hostname === '' || url.username !== '' || url.password !== '') return null;
  url.hash = '';
  return url.href.length <= URL_MAX_CHARS ? url : null;
}
