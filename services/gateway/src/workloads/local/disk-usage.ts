import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes that the workloads of a data directory have on disk, each and together. Files that vanish meanwhile count 0. */
export async function measureDiskUsage(dataDir: string): Promise<{ totalBytes: number; byWorkload: Map<string, number> }> {
  const root = join(dataDir, 'workloads');
  const byWorkload = new Map<string, number>();
  for (const name of await names(root)) byWorkload.set(name, await sizeOf(join(root, name)));
  return { totalBytes: [...byWorkload.values()].reduce((sum, bytes) => sum + bytes, 0), byWorkload };
}

const BLOCK_BYTES = 512;

async function sizeOf(dir: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
    const path = join(dir, entry.name);
    bytes += entry.isDirectory()
      ? await sizeOf(path)
      : await stat(path).then(
          (stats) => stats.blocks * BLOCK_BYTES,
          () => 0,
        );
  }
  return bytes;
}

async function names(dir: string): Promise<string[]> {
  return readdir(dir).catch(() => []);
}
