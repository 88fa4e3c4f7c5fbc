import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Files of one directory: enough that few directories are made, few enough that `ls` answers. */
const PIECES_PER_DIRECTORY = 1024;

export type PieceStore = {
  /** Pieces that lay in the directory at the start, of the right size; what is in them nobody knows yet. */
  readonly candidates: ReadonlySet<number>;
  put(pieceIndex: number, bytes: Uint8Array): Promise<void>;
  /** Up to `lengthBytes` bytes: fewer where the file is shorter than it should be. */
  read(pieceIndex: number, offset: number, lengthBytes: number): Promise<Buffer>;
  remove(pieceIndex: number): Promise<void>;
};

/**
 * One file per piece, named by its number and nothing else: no name of the torrent ever reaches the disk, a piece goes
 * with one `unlink`, and a restarted process sees what there is by listing. Written beside and renamed, so a file is
 * whole or absent as far as a killed process can tell; never synced, because every piece is hashed before it is trusted.
 */
export async function openPieceStore(
  dir: string,
  pieceLengthOf: (pieceIndex: number) => number,
  pieceCount: number,
): Promise<PieceStore> {
  await mkdir(dir, { recursive: true });
  const candidates = await findCandidates(dir, pieceLengthOf, pieceCount);
  const made = new Set<string>();
  const directoryOf = (pieceIndex: number) => join(dir, String(Math.floor(pieceIndex / PIECES_PER_DIRECTORY)));
  const pathOf = (pieceIndex: number) => join(directoryOf(pieceIndex), String(pieceIndex));

  return {
    candidates,
    async put(pieceIndex, bytes) {
      const directory = directoryOf(pieceIndex);
      if (!made.has(directory)) {
        await mkdir(directory, { recursive: true });
        made.add(directory);
      }
      const path = pathOf(pieceIndex);
      const temporary = `${path}.tmp`;
      try {
        await writeFile(temporary, bytes);
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    async read(pieceIndex, offset, lengthBytes) {
      await using file = await open(pathOf(pieceIndex), 'r');
      const buffer = Buffer.allocUnsafeSlow(lengthBytes);
      let filled = 0;
      while (filled < lengthBytes) {
        const { bytesRead } = await file.read(buffer, filled, lengthBytes - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    },
    async remove(pieceIndex) {
      await rm(pathOf(pieceIndex), { force: true });
    },
  };
}

export function isNoSpace(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}

async function findCandidates(
  dir: string,
  pieceLengthOf: (pieceIndex: number) => number,
  pieceCount: number,
): Promise<Set<number>> {
  const candidates = new Set<number>();
  for (const group of await readdir(dir, { withFileTypes: true })) {
    if (!group.isDirectory() || !/^\d{1,7}$/.test(group.name)) continue;
    const directory = join(dir, group.name);
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      const pieceIndex = /^\d{1,8}$/.test(name) ? Number(name) : -1;
      const isOurs = pieceIndex >= 0 && pieceIndex < pieceCount;
      if (isOurs && (await stat(path)).size === pieceLengthOf(pieceIndex)) candidates.add(pieceIndex);
      else await rm(path, { force: true });
    }
  }
  return candidates;
}
