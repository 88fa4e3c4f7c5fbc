/** Reads ISO base media boxes (ISO/IEC 14496-12) as far as a check of a segment needs them. No ffmpeg: it shifts times. */

export type Sample = { durationTicks: number; compositionOffsetTicks: number; isSync: boolean };
/** One `moof`: its decode time and its samples, in ticks of the init segment's timescale. */
export type Fragment = { decodeTimeTicks: number; samples: Sample[] };

type Box = { type: string; start: number; end: number };

/** The timescale of the only track (`mdhd`). */
export function readTimescale(init: Buffer): number {
  const [header] = find(init, ['moov', 'trak', 'mdia', 'mdhd']);
  if (!header) throw new Error('the init segment has no mdhd');
  // Version 1 has 64-bit times in front.
  return init.readUInt32BE(header.start + (init[header.start] === 1 ? 20 : 12));
}

/** `video` or `audio`, by the track's handler. */
export function readTrackKind(init: Buffer): 'video' | 'audio' {
  const [handler] = find(init, ['moov', 'trak', 'mdia', 'hdlr']);
  if (!handler) throw new Error('the init segment has no hdlr');
  return init.toString('latin1', handler.start + 8, handler.start + 12) === 'vide' ? 'video' : 'audio';
}

/** `avc1.64001E`: what the AVC configuration record says of profile, constraints and level (RFC 6381 §3.3). */
export function readAvcCodec(init: Buffer): string | null {
  const at = init.indexOf('avcC', 0, 'latin1');
  return at < 0 ? null : `avc1.${init.toString('hex', at + 5, at + 8).toUpperCase()}`;
}

/** All fragments of a segment, in order. Throws on a box that does not fit: a segment that was cut. */
export function readFragments(segment: Buffer): Fragment[] {
  return find(segment, ['moof', 'traf']).map((traf) => readFragment(segment, traf));
}

function readFragment(segment: Buffer, traf: Box): Fragment {
  const [tfdt] = find(segment, ['tfdt'], traf.start, traf.end);
  const [tfhd] = find(segment, ['tfhd'], traf.start, traf.end);
  if (!tfdt || !tfhd) throw new Error('a fragment has no tfdt or tfhd');
  const isLong = segment[tfdt.start] === 1;
  const decodeTimeTicks = isLong ? Number(segment.readBigUInt64BE(tfdt.start + 4)) : segment.readUInt32BE(tfdt.start + 4);
  const defaults = readDefaults(segment, tfhd);
  const samples = find(segment, ['trun'], traf.start, traf.end).flatMap((trun) => readSamples(segment, trun, defaults));
  return { decodeTimeTicks, samples };
}

type Defaults = { durationTicks: number; flags: number };

function readDefaults(segment: Buffer, tfhd: Box): Defaults {
  const present = segment.readUInt32BE(tfhd.start) & 0xffffff;
  let at = tfhd.start + 8 + (present & 0x1 ? 8 : 0) + (present & 0x2 ? 4 : 0);
  const defaults = { durationTicks: 0, flags: 0 };
  if (present & 0x8) {
    defaults.durationTicks = segment.readUInt32BE(at);
    at += 4;
  }
  if (present & 0x10) at += 4;
  if (present & 0x20) defaults.flags = segment.readUInt32BE(at);
  return defaults;
}

function readSamples(segment: Buffer, trun: Box, defaults: Defaults): Sample[] {
  const present = segment.readUInt32BE(trun.start) & 0xffffff;
  const count = segment.readUInt32BE(trun.start + 4);
  let at = trun.start + 8 + (present & 0x1 ? 4 : 0);
  const next = () => {
    const value = segment.readUInt32BE(at);
    at += 4;
    return value;
  };
  const firstFlags = present & 0x4 ? next() : defaults.flags;
  return Array.from({ length: count }, (_, index) => {
    const durationTicks = present & 0x100 ? next() : defaults.durationTicks;
    if (present & 0x200) next();
    const flags = present & 0x400 ? next() : index === 0 ? firstFlags : defaults.flags;
    // Offsets are signed in version 1, and never large enough to matter in version 0.
    const compositionOffsetTicks = present & 0x800 ? next() | 0 : 0;
    return { durationTicks, compositionOffsetTicks, isSync: (flags & 0x10000) === 0 };
  });
}

function find(bytes: Buffer, path: readonly string[], from = 0, to = bytes.length): Box[] {
  const [type, ...rest] = path;
  const here = listBoxes(bytes, from, to).filter((box) => box.type === type);
  return rest.length === 0 ? here : here.flatMap((box) => find(bytes, rest, box.start, box.end));
}

function listBoxes(bytes: Buffer, from: number, to: number): Box[] {
  const boxes: Box[] = [];
  for (let at = from; at < to; ) {
    if (at + 8 > to) throw new Error('a box is cut off');
    let size = bytes.readUInt32BE(at);
    let headerLength = 8;
    if (size === 1) {
      size = Number(bytes.readBigUInt64BE(at + 8));
      headerLength = 16;
    }
    if (size === 0) size = to - at;
    if (size < headerLength || at + size > to) throw new Error(`a box of ${size} bytes at ${at} does not fit into ${to}`);
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), start: at + headerLength, end: at + size });
    at += size;
  }
  return boxes;
}
