import { open } from 'node:fs/promises';
import { MAX_LIST_BYTES } from './denylist-text.ts';
import type { ListSource } from './list-source.ts';

/** Looked at, not subscribed to: a watch is lost when an editor, or a mounted volume, puts another file in its place. */
const EVERY_MS = 1000;
const WITHIN_MS = 5000;

/** A list in a file. It is read again when its time, its size or the file itself is another. */
export function createFileList(path: string): ListSource {
  return {
    name: 'file',
    everyMs: EVERY_MS,
    withinMs: WITHIN_MS,
    async read(tag) {
      await using file = await open(path, 'r');
      const { mtimeNs, size, ino, dev } = await file.stat({ bigint: true });
      const now = [mtimeNs, size, ino, dev].join('/');
      if (now === tag) return undefined;
      if (size > MAX_LIST_BYTES) throw new Error(`it is larger than ${MAX_LIST_BYTES} bytes`);
      return { text: await file.readFile('utf8'), tag: now };
    },
  };
}
