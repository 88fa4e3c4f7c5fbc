import { findBox, findBoxes, readBoxes } from './boxes.ts';

/** What an init segment promises: the clock of its track, and its codec as in a playlist (RFC 6381). */
export type InitInfo = { timescale: number; codecs: string };

/** Bytes before the boxes of a sample entry: ISO/IEC 14496-12 §12.1.3 (visual) and §12.2.3 (audio). */
const VISUAL_ENTRY_BYTES = 78;
const AUDIO_ENTRY_BYTES = 28;

/** Reads an init segment of one track; `null` while its end is not written yet. Throws when it is not one of ours. */
export function readInit(bytes: Buffer): InitInfo | null {
  try {
    if (findBoxes(bytes, ['moov']).length === 0) return null;
  } catch {
    return null;
  }
  const mdhd = findBox(bytes, ['moov', 'trak', 'mdia', 'mdhd']);
  const timescale = bytes.readUInt32BE(mdhd.start + (bytes[mdhd.start] === 1 ? 20 : 12));
  const stsd = findBox(bytes, ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd']);
  const [entry] = readBoxes(bytes, stsd.start + 8, stsd.end);
  if (entry?.type === 'avc1') return { timescale, codecs: readAvc(bytes, entry) };
  if (entry?.type === 'mp4a') return { timescale, codecs: readMp4a(bytes, entry) };
  throw new Error('unknown sample entry');
}

/** `avc1.PPCCLL`: profile, constraints and level, the bytes 1 to 3 of avcC (RFC 6381 §3.3). */
function readAvc(bytes: Buffer, entry: { start: number; end: number }): string {
  const avcC = findBox(bytes, ['avcC'], { start: entry.start + VISUAL_ENTRY_BYTES, end: entry.end });
  return `avc1.${bytes.toString('hex', avcC.start + 1, avcC.start + 4).toUpperCase()}`;
}

/** `mp4a.40.N`: the object type in the first five bits of the AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1). */
function readMp4a(bytes: Buffer, entry: { start: number; end: number }): string {
  const esds = findBox(bytes, ['esds'], { start: entry.start + AUDIO_ENTRY_BYTES, end: entry.end });
  let at = esds.start + 4;
  for (let guard = 0; guard < 8 && at < esds.end; guard++) {
    const tag = bytes[at++];
    while (at < esds.end && (bytes[at++] as number) & 0x80) {}
    if (tag === 0x03) at += 3;
    else if (tag === 0x04) {
      if (bytes[at] !== 0x40) throw new Error('not AAC');
      at += 13;
    } else if (tag === 0x05) return `mp4a.40.${(bytes[at] as number) >> 3}`;
    else break;
  }
  throw new Error('no AudioSpecificConfig');
}
