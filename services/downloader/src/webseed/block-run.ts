/** A block that a web seed was asked for, by its place in the torrent's one long string of bytes. */
export type WantedBlock = { pieceIndex: number; offset: number; lengthBytes: number; start: number };

/** A stretch of a file, or of padding, which nobody stores: it is zeros (BEP 47). Half-open, in bytes of the file. */
export type FilePart = { fileIndex: number; start: number; end: number; isPadding: boolean };

type PlacedFile = { index: number; offset: number; lengthBytes: number; isPadding: boolean };

/**
 * Takes the first block and all that follow it without a gap, up to so many bytes: they are one request. The rest stays in
 * the order in which it was asked for.
 */
export function takeRun(queue: readonly WantedBlock[], bytesMax: number): { run: WantedBlock[]; rest: WantedBlock[] } {
  const [first] = queue;
  if (!first) return { run: [], rest: [] };
  const byStart = new Map(queue.map((block) => [block.start, block]));
  const run: WantedBlock[] = [];
  let end = first.start;
  for (let next = byStart.get(end); next && end + next.lengthBytes - first.start <= bytesMax; next = byStart.get(end)) {
    run.push(next);
    end += next.lengthBytes;
  }
  if (run.length === 0) run.push(first);
  const taken = new Set(run);
  return { run, rest: queue.filter((block) => !taken.has(block)) };
}

/** The files that `[start, end)` of the torrent lies in, in order. Files of no bytes are in none. */
export function splitByFile(start: number, end: number, files: readonly PlacedFile[]): FilePart[] {
  const parts: FilePart[] = [];
  for (let index = firstFileAt(start, files); index < files.length; index++) {
    const file = files[index] as PlacedFile;
    if (file.offset >= end) break;
    const from = Math.max(start, file.offset);
    const to = Math.min(end, file.offset + file.lengthBytes);
    if (from < to) parts.push({ fileIndex: index, start: from - file.offset, end: to - file.offset, isPadding: file.isPadding });
  }
  return parts;
}

/** The last file that begins at or before `position`, found by halving: a torrent may have 20,000. */
function firstFileAt(position: number, files: readonly PlacedFile[]): number {
  let low = 0;
  let high = files.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((files[middle] as PlacedFile).offset <= position) low = middle;
    else high = middle;
  }
  // Empty files may share the offset; the one with the bytes is the last of them, and a later one begins further on.
  return low;
}
