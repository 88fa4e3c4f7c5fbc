import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { changedText, type Hunk, readPatch, withoutHunk } from './read-patch.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
const PATCHES = join(ROOT, 'patches');
const STORE = join(ROOT, 'node_modules', '.pnpm');
const LOCKFILE = join(ROOT, 'pnpm-lock.yaml');
/** The player's library has its tests in `web` and in the browser. */
const ELSEWHERE = 'hls.js';

export type PatchedHunk = Hunk & { patch: string; changes: string };

/** Every hunk of the patches of what meets untrusted bytes, by the name of its patch (`package@version`). */
export function listHunks(): PatchedHunk[] {
  const names = readdirSync(PATCHES).filter((name) => name.endsWith('.patch') && !name.startsWith(ELSEWHERE));
  return names.flatMap((name) =>
    readPatch(readFileSync(join(PATCHES, name), 'utf8')).map((hunk) => ({
      ...hunk,
      patch: name.slice(0, -'.patch'.length),
      changes: changedText(hunk),
    })),
  );
}

/** The installed file that a hunk is in, and its text without it. */
export function removeHunk(hunk: PatchedHunk): { path: string; text: string } {
  const name = hunk.patch.slice(0, hunk.patch.lastIndexOf('@'));
  // Folders of earlier patches may lie there too; the name of a long one is cut off.
  const hash = new RegExp(`^  '?${hunk.patch.replaceAll('.', '\\.')}'?: (\\w{40})`, 'm').exec(
    readFileSync(LOCKFILE, 'utf8'),
  )?.[1];
  const folders = readdirSync(STORE).filter((folder) => folder.startsWith(`${hunk.patch}_patch_hash=${hash}`));
  for (const folder of folders) {
    const path = join(STORE, folder, 'node_modules', name, hunk.file);
    const text = existsSync(path) ? withoutHunk(readFileSync(path, 'utf8'), hunk) : undefined;
    if (text !== undefined) return { path: realpathSync(path), text };
  }
  throw new Error(`${hunk.patch} ${hunk.file}:${hunk.firstLine} is not installed as it is patched: run pnpm install`);
}
