/** An ISO-BMFF box (ISO/IEC 14496-12 §4.2): its payload is [start, end) of the buffer. */
export type Box = { type: string; start: number; end: number };

/** ffmpeg nests eight deep; anything deeper is not a file that we asked for. */
const MAX_DEPTH = 10;
/** moof and mdat of a part, or the handful of an init. */
const MAX_BOXES = 4096;

/** The boxes directly inside [from, to). Throws when a box does not lie inside its parent. */
export function readBoxes(bytes: Buffer, from = 0, to = bytes.length): Box[] {
  const boxes: Box[] = [];
  for (let at = from; at < to; ) {
    if (at + 8 > to || boxes.length >= MAX_BOXES) throw new Error('damaged boxes');
    let size = bytes.readUInt32BE(at);
    let head = 8;
    if (size === 1) {
      if (at + 16 > to) throw new Error('damaged boxes');
      size = Number(bytes.readBigUInt64BE(at + 8));
      head = 16;
    } else if (size === 0) size = to - at;
    if (size < head || at + size > to) throw new Error('damaged boxes');
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), start: at + head, end: at + size });
    at += size;
  }
  return boxes;
}

/** All boxes at a path of types, in the order of the file. */
export function findBoxes(
  bytes: Buffer,
  path: readonly string[],
  within: { start: number; end: number } = { start: 0, end: bytes.length },
): Box[] {
  if (path.length > MAX_DEPTH) throw new Error('path too deep');
  let found: { start: number; end: number }[] = [within];
  for (const type of path)
    found = found.flatMap((box) => readBoxes(bytes, box.start, box.end).filter((inner) => inner.type === type));
  return found as Box[];
}

/** The only box at a path. Throws when there is none, or more than one. */
export function findBox(bytes: Buffer, path: readonly string[], within?: { start: number; end: number }): Box {
  const [box, second] = findBoxes(bytes, path, within);
  if (!box || second) throw new Error(`expected one ${path.join('/')}`);
  return box;
}
