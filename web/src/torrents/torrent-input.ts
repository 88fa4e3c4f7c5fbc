import { type InfoHash, parseInfoHash } from '@lodestream/shared';

/** Something that can be posted to the API. */
export type TorrentToAdd =
  | { kind: 'magnet'; magnet: string; infoHash: InfoHash }
  | { kind: 'info-hash'; infoHash: InfoHash }
  | { kind: 'file'; file: Blob };

export type InputFault = 'empty' | 'no-btih' | 'v2-only' | 'too-long' | 'web-address' | 'not-a-magnet';

export type ParsedInput = { ok: true; source: Exclude<TorrentToAdd, { kind: 'file' }> } | { ok: false; fault: InputFault };

/** The API takes no longer magnet. */
const MAX_MAGNET_LENGTH = 16_384;

/**
 * Reads what a person pasted: a magnet link (BEP 9) or a bare info hash, with whatever the clipboard put around it
 * (spaces, quotes, line breaks inside). The server reads it again; this only spares a round trip for plain mistakes.
 */
export function parseTorrentInput(text: string): ParsedInput {
  const trimmed = text
    .trim()
    .replace(/^["'<(]+|["'>)]+$/g, '')
    .replace(/[\r\n\t]+/g, '');
  if (trimmed === '') return { ok: false, fault: 'empty' };
  if (trimmed.length > MAX_MAGNET_LENGTH) return { ok: false, fault: 'too-long' };

  const bare = parseInfoHash(trimmed);
  if (bare) return { ok: true, source: { kind: 'info-hash', infoHash: bare } };

  if (/^https?:\/\//i.test(trimmed)) return { ok: false, fault: 'web-address' };
  if (!/^magnet:\?/i.test(trimmed)) return { ok: false, fault: 'not-a-magnet' };

  const infoHash = infoHashOfMagnet(trimmed);
  if (infoHash) return { ok: true, source: { kind: 'magnet', magnet: trimmed, infoHash } };
  return { ok: false, fault: /urn:btmh:/i.test(decodeLoosely(trimmed)) ? 'v2-only' : 'no-btih' };
}

/** The v1 info hash of a magnet link, or null. */
export function infoHashOfMagnet(magnet: string): InfoHash | null {
  const query = magnet.slice(magnet.indexOf('?') + 1);
  for (const [name, value] of new URLSearchParams(query)) {
    if (!/^xt(\.\d+)?$/i.test(name)) continue;
    const match = /^urn:btih:(.+)$/i.exec(value);
    const infoHash = match?.[1] ? parseInfoHash(match[1]) : null;
    if (infoHash) return infoHash;
  }
  return null;
}

/** The name that the magnet itself gives (`dn`): what the page shows before the torrent is known. */
export function nameOfMagnet(magnet: string): string | null {
  const query = magnet.slice(magnet.indexOf('?') + 1);
  for (const [name, value] of new URLSearchParams(query)) {
    if (name.toLowerCase() === 'dn' && value.trim() !== '') return value.trim().slice(0, 255);
  }
  return null;
}

function decodeLoosely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
