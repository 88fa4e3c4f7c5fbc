import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseMagnetUri, readMetainfo } from '@lodestream/shared';
import { describe, expect, it } from 'vitest';

/** Real torrents and magnets; they may not be redistributed, so they lie beside the project and not in it. */
const CORPUS = process.env.LODESTREAM_CORPUS ?? fileURLToPath(new URL('../../../../shared/corpus', import.meta.url));

/** Listed as invalid, and read by us: other clients read them too, and what is wrong with them does not touch v1 bytes. */
const HARMLESS = new Map([
  ['libtorrent__v2_invalid_file.torrent', 'only its v2 half is broken'],
  ['libtorrent__v2_mismatching_metadata.torrent', 'only its v2 half is broken'],
  ['transmission__dup-files.torrent', 'two files of one name: files are told apart by index'],
]);

type Manifest = {
  torrents: { file: string; kind: string; raw_info_sha1: string | null }[];
  magnets: { id: string; uri: string; expect: string; infohash?: string }[];
};

const manifestPath = join(CORPUS, 'MANIFEST.json');
const isThere = existsSync(manifestPath);
if (!isThere) process.stderr.write(`No corpus in ${CORPUS} (LODESTREAM_CORPUS): its cases are not run.\n`);
const manifest: Manifest = isThere ? JSON.parse(readFileSync(manifestPath, 'utf8')) : { torrents: [], magnets: [] };

describe.runIf(isThere)('the corpus of real torrents', () => {
  const cases = manifest.torrents.map((torrent) => ({ ...torrent, name: torrent.file.split('/').at(-1) as string }));
  it.each(cases)('$kind: $name', async ({ file, kind, raw_info_sha1, name }) => {
    const read = await readMetainfo(readFileSync(join(CORPUS, file)));
    const infoHash = 'source' in read ? read.source.infoHash : null;
    const problem = 'problem' in read ? read.problem : null;
    if (kind === 'valid' || HARMLESS.has(name)) expect(infoHash ?? read).toBe(raw_info_sha1);
    else if (kind === 'valid-v2') expect([raw_info_sha1, 'torrent-v2-only']).toContain(infoHash ?? problem);
    else expect(['invalid-torrent', 'torrent-too-large', 'torrent-v2-only']).toContain(problem);
  });
});

describe.runIf(isThere)('the corpus of magnets', () => {
  it.each(manifest.magnets)('$id: $expect', ({ uri, expect: verdict, infohash }) => {
    const result = parseMagnetUri(uri);
    if (verdict.startsWith('accept') && infohash !== undefined) expect(result).toMatchObject({ source: { infoHash: infohash } });
    else if (verdict.startsWith('accept')) expect(result).toEqual({ problem: 'torrent-v2-only' });
    else if (verdict === 'reject') expect(result).toMatchObject({ problem: 'invalid-magnet' });
    else expect('source' in result || result.problem === 'invalid-magnet').toBe(true);
  });
});
