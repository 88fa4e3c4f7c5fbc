import type { NotPlayableReason } from '@lodestream/shared';
import type { Container } from '../ffmpeg/allow-lists.ts';

/** Enough for every magic number, four MPEG-TS packets included. */
export const SNIFF_BYTES = 4096;

export type Sniffed = { container: Container } | { reason: NotPlayableReason; detail: string };

/** The first box of an MP4 or QuickTime file (ISO/IEC 14496-12, QuickTime File Format). */
const MOV_BOXES = new Set(['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot', 'styp', 'uuid']);
const ASF_GUID = '3026b2758e66cf11a6d900aa0062ce6c';
/** Text that ffmpeg would follow to other URLs (security.md finding 7). */
const REFERENCES = /^(#EXTM3U|ffconcat|v=0\s|<\?xml|<MPD|\[playlist\]|\[Reference\]|RTSPtext|http:|rtsp:)/i;

/**
 * Which single demuxer may open the file, by its first bytes (and its name is never asked). What is none of ours is
 * refused before any parser of ffmpeg has seen a byte.
 */
export function sniffContainer(head: Buffer): Sniffed {
  const text = head
    .toString('latin1', 0, 64)
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart();
  if (REFERENCES.test(text)) return { reason: 'format-not-allowed', detail: 'this file only points to other files' };
  const container = pickContainer(head);
  return container ? { container } : { reason: 'unknown-format', detail: 'this is not a media format that we know' };
}

function pickContainer(head: Buffer): Container | undefined {
  const ascii = (at: number, length: number) => head.toString('latin1', at, at + length);
  if (head.length < 4) return undefined;
  if (head.readUInt32BE(0) === 0x1a45dfa3) return 'matroska';
  if (MOV_BOXES.has(ascii(4, 4))) return 'mov';
  if (ascii(0, 4) === 'RIFF' || ascii(0, 4) === 'RF64')
    return ascii(8, 4) === 'WAVE' ? 'wav' : ascii(8, 3) === 'AVI' ? 'avi' : undefined;
  if (ascii(0, 3) === 'FLV') return 'flv';
  if (ascii(0, 4) === 'OggS') return 'ogg';
  if (ascii(0, 4) === 'fLaC') return 'flac';
  if (head.toString('hex', 0, 16) === ASF_GUID) return 'asf';
  if (head.readUInt32BE(0) === 0x1ba) return 'mpeg';
  // Packets of 188 bytes, or of 192 with a time stamp before each (Blu-ray and AVCHD).
  if (isTransportStream(head, 0, 188) || isTransportStream(head, 4, 192)) return 'mpegts';
  if (ascii(0, 3) === 'ID3') return 'mp3';
  if (head.readUInt16BE(0) === 0x0b77) return 'ac3';
  const sync = head.readUInt16BE(0);
  // 11 sync bits; layer 00 is ADTS AAC, any other MPEG audio (ISO/IEC 11172-3 §2.4.1.3, 13818-7 §6.2).
  if ((sync & 0xfff6) === 0xfff0) return 'aac';
  if ((sync & 0xffe0) === 0xffe0 && (sync & 0x6) !== 0) return 'mp3';
  return undefined;
}

function isTransportStream(head: Buffer, first: number, step: number): boolean {
  const packets = Math.min(4, Math.floor((head.length - first) / step));
  if (packets < 2) return false;
  return Array.from({ length: packets }, (_, i) => head[first + i * step] === 0x47).every(Boolean);
}
