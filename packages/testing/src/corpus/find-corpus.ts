import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type CorpusMedia = {
  path: string;
  expect: 'play' | 'audio-only' | 'play-degraded' | 'may-reject' | 'reject' | 'sidecar';
  why: string;
  size: number;
};

export type Corpus = { dir: string; media: CorpusMedia[] };

/**
 * Real media and torrents that nobody here made; they stay outside of the project. undefined where they are not: tests then
 * skip, saying so.
 */
export function findCorpus(): Corpus | undefined {
  const dir = process.env.LODESTREAM_CORPUS ?? fileURLToPath(new URL('../../../../../shared/corpus', import.meta.url));
  const manifest = join(dir, 'MANIFEST.json');
  if (!existsSync(manifest)) {
    process.stderr.write(`No corpus at ${dir} (LODESTREAM_CORPUS): its cases are not run.\n`);
    return undefined;
  }
  return { dir, media: JSON.parse(readFileSync(manifest, 'utf8')).media };
}
