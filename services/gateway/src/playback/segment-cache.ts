import type { InfoHash } from '@lodestream/shared';

/** A finished segment in memory, and where it came from: what is served from here still counts as access there. */
export type CachedSegment = { bytes: Buffer; runName: string; etag: string };

/**
 * Finished segments in memory, least recently used out first, none longer than the TTL after its last access. Immutable: a
 * key names its bytes for ever, because a rendition's id ends in the hash of what decides them.
 */
export type SegmentCache = {
  get(key: string): CachedSegment | undefined;
  set(key: string, segment: CachedSegment): void;
  sweep(): void;
  /** Drops every segment of the torrent. */
  forget(infoHash: InfoHash): void;
  /** Torrents that segments of are here. */
  torrents(): Set<InfoHash>;
  sizeBytes(): number;
};

export function createSegmentCache(
  maxBytes: number,
  ttlSeconds: number,
  now: () => number = () => performance.now(),
): SegmentCache {
  const entries = new Map<string, CachedSegment & { lastAccessAt: number }>();
  let sizeBytes = 0;
  const drop = (key: string) => {
    sizeBytes -= entries.get(key)?.bytes.length ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const found = entries.get(key);
      if (!found) return undefined;
      found.lastAccessAt = now();
      entries.delete(key);
      entries.set(key, found);
      return found;
    },
    set(key, segment) {
      drop(key);
      if (segment.bytes.length > maxBytes) return;
      entries.set(key, { ...segment, lastAccessAt: now() });
      sizeBytes += segment.bytes.length;
      for (const oldest of entries.keys()) {
        if (sizeBytes <= maxBytes) break;
        drop(oldest);
      }
    },
    sweep() {
      const limit = now() - ttlSeconds * 1000;
      for (const [key, entry] of entries) if (entry.lastAccessAt < limit) drop(key);
    },
    forget(infoHash) {
      for (const key of entries.keys()) if (torrentOf(key) === infoHash) drop(key);
    },
    torrents: () => new Set([...entries.keys()].map(torrentOf)),
    sizeBytes: () => sizeBytes,
  };
}

/** Keys begin with the torrent that the segment is of. */
function torrentOf(key: string): InfoHash {
  return key.slice(0, key.indexOf('/')) as InfoHash;
}
