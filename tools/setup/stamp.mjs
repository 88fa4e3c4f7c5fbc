import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CACHE_DIR, ROOT } from '../project.mjs';

/** Folders that are made, not written: they never decide whether work is due. */
const MADE = new Set(['node_modules', 'dist', '.cache', '.tools', '.git', 'data']);

/** SHA-256 over the names and bytes of files and folders (paths relative to the root); a missing one counts as absent. */
export async function hashFiles(paths) {
  const hash = createHash('sha256');
  for (const path of paths) await addPath(hash, path);
  return hash.digest('hex');
}

export const hashText = (text) => createHash('sha256').update(text).digest('hex');

/**
 * Does `work` unless it was done for this key already and its result is still there. The stamp is written last: a broken
 * attempt is made again.
 */
export async function doOnce(name, key, isThere, work) {
  const path = join(CACHE_DIR, 'stamps', name);
  if (isThere && (await readFile(path, 'utf8').catch(() => '')) === key) return false;
  await work();
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, key);
  await rename(`${path}.new`, path);
  return true;
}

async function addPath(hash, path) {
  const entries = await readdir(join(ROOT, path), { withFileTypes: true }).catch(() => null);
  if (entries) {
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
      if (!MADE.has(entry.name)) await addPath(hash, join(path, entry.name));
    return;
  }
  const bytes = await readFile(join(ROOT, path)).catch(() => null);
  hash.update(`${path}\0${bytes ? bytes.length : 'absent'}\0`);
  if (bytes) hash.update(bytes);
}
