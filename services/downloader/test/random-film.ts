import { createCipheriv, createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createTorrent, makeTempDir, type TestTorrent } from '@lodestream/testing';

const MIB = 1024 * 1024;

export type RandomFilm = AsyncDisposable & { torrent: TestTorrent; dir: string; bytes: Buffer };

/** A torrent of bytes that look random and are the same at every run: any misplaced block shows. */
export async function makeRandomFilm(lengthMiB: number, pieceLengthBytes: number, name = 'film.mkv'): Promise<RandomFilm> {
  const home = await makeTempDir('film');
  const cipher = createCipheriv('aes-128-ctr', createHash('md5').update(name).digest(), Buffer.alloc(16));
  // An odd length: the last piece and the last block are short.
  const bytes = cipher.update(Buffer.alloc(lengthMiB * MIB - 12_345));
  await using file = await open(join(home.path, name), 'w');
  await file.writeFile(bytes);
  const torrent = await createTorrent({ dir: home.path, name, pieceLengthBytes });
  return { torrent, dir: home.path, bytes, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() };
}

/** Numbers in [0, 1) that are the same at every run (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
