import { ProblemError } from '@lodestream/service-kit';
import { InfoHash, parseInfoHash, parseMagnetUri, type Rejected, readMetainfo, type TorrentSource } from '@lodestream/shared';

export type PostedTorrent = { magnet: string } | { infoHash: string } | { metainfo: Uint8Array };

/** `names`: what the torrent and its files are called, as far as was said. */
export type ReadTorrent = { source: TorrentSource; names: string[] };

/** What was posted, as a source that our own bounded parsers have checked; a problem with its code otherwise. */
export async function readTorrentSource(posted: PostedTorrent): Promise<ReadTorrent> {
  if ('infoHash' in posted) {
    const infoHash = parseInfoHash(posted.infoHash);
    if (!infoHash) throw new ProblemError('invalid-magnet', { detail: 'An info hash is 40 hex digits or 32 base32 letters.' });
    return { source: { infoHash: InfoHash.parse(infoHash), displayName: '', trackers: [], peers: [] }, names: [] };
  }
  if ('magnet' in posted) {
    const read = parseMagnetUri(posted.magnet);
    if ('problem' in read) throw refusal(read);
    return { source: read.source, names: [read.source.displayName] };
  }
  const read = await readMetainfo(posted.metainfo);
  if ('problem' in read) throw refusal(read);
  return { source: read.source, names: [read.source.displayName, ...read.metainfo.files.map((file) => file.path)] };
}

function refusal({ problem, detail }: Rejected): ProblemError {
  return new ProblemError(problem, detail === undefined ? {} : { detail });
}
