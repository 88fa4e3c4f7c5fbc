import type { InfoHash } from '@lodestream/shared';

/**
 * The .torrent files that were opened in this tab: like the magnet in the fragment they are posted again when the server has
 * forgotten them. A private torrent cannot be found by its hash at all.
 */
const KEY_PREFIX = 'lodestream:torrent:';
/** A tab's storage is 5 MB of text, and most .torrent files are below 200 kB. */
const MAX_KEPT_BYTES = 1_500_000;

/** Keeps the file for as long as the tab lives; a large one, or where storage is forbidden, not at all. */
export async function keepUploadedTorrent(infoHash: InfoHash, file: Blob): Promise<void> {
  if (file.size > MAX_KEPT_BYTES) return;
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    sessionStorage.setItem(KEY_PREFIX + infoHash, btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')));
  } catch {
    // Full or forbidden: then the hash alone has to do.
  }
}

export function uploadedTorrent(infoHash: InfoHash): Blob | null {
  try {
    const text = sessionStorage.getItem(KEY_PREFIX + infoHash);
    return text ? new Blob([Uint8Array.from(atob(text), (char) => char.charCodeAt(0))]) : null;
  } catch {
    return null;
  }
}
