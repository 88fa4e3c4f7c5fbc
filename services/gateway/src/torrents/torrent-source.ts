import { ProblemError } from '@lodestream/service-kit';
import { InfoHash, parseInfoHash, parseMagnetUri, readMetainfo, type TorrentSource } from '@lodestream/shared';

export type PostedTorrent = { magnet: string } | { infoHash: string } | { metainfo: Uint8Array };

/** What was posted, as a source that our own bounded parsers have checked; a problem with its code otherwise. */
export async function readTorrentSource(posted: PostedTorrent): Promise<TorrentSource> {
  if ('infoHash' in posted) {
    const infoHash = parseInfoHash(posted.infoHash);
    if (!infoHash) throw new ProblemError('invalid-magnet', { detail: 'An info hash is 40 hex digits or 32 base32 letters.' });
    return { infoHash: InfoHash.parse(infoHash), displayName: '', trackers: [], peers: [] };
  }
  const result = 'magnet' in posted ? parseMagnetUri(posted.magnet) : await readMetainfo(posted.metainfo);
  if ('source' in result) return result.source;
  throw new ProblemError(result.problem, result.detail === undefined ? {} : { detail: result.detail });
}
