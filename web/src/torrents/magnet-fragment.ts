import type { InfoHash } from '@lodestream/shared';
import { infoHashOfMagnet, type TorrentToAdd } from './torrent-input.ts';

/**
 * The magnet of a torrent lives in the fragment of its pages (`#magnet=…`): the server forgets a torrent five minutes after
 * its last viewer, and the page must be able to post it again, also from a bookmark. A fragment is never sent to a server.
 */
export function buildMagnetFragment(source: TorrentToAdd | null): string {
  return source?.kind === 'magnet' ? `#magnet=${encodeURIComponent(source.magnet)}` : '';
}

/** The magnet in a fragment, whoever it belongs to; null when there is none. */
export function magnetOfFragment(fragment: string): string | null {
  const match = /^#?magnet=(.+)$/.exec(fragment);
  if (!match?.[1]) return null;
  let magnet = match[1];
  if (!magnet.startsWith('magnet:')) {
    try {
      magnet = decodeURIComponent(magnet);
    } catch {
      return null;
    }
  }
  return magnet.startsWith('magnet:?') ? magnet : null;
}

/**
 * What to post for this page's torrent: the magnet of the fragment if it is for the same torrent, else the bare hash. A link
 * with a fragment for another torrent must not add something else than what its path says.
 */
export function sourceOfPage(infoHash: InfoHash, fragment: string): Exclude<TorrentToAdd, { kind: 'file' }> {
  const magnet = magnetOfFragment(fragment);
  if (magnet && infoHashOfMagnet(magnet) === infoHash) return { kind: 'magnet', magnet, infoHash };
  return { kind: 'info-hash', infoHash };
}
