import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type Bencodable, encodeBencode } from './bencode.ts';

/** Small enough that a test clip has many pieces. */
const DEFAULT_PIECE_LENGTH_BYTES = 256 * 1024;

export type CreateTorrentOptions = {
  /** The directory that holds the content: clients are given it as their download directory. */
  dir: string;
  /** The file, or the folder with files, in `dir`: also the torrent's name. */
  name: string;
  pieceLengthBytes?: number;
  trackers?: readonly string[];
  isPrivate?: boolean;
  /** Addresses for `url-list` (BEP 19). */
  webSeeds?: readonly string[];
};

export type TestTorrent = Readonly<{
  infoHash: string;
  name: string;
  dir: string;
  /** The whole .torrent document. */
  metainfo: Buffer;
  /** The raw bytes of the info dictionary. */
  info: Buffer;
  files: readonly { path: string; lengthBytes: number }[];
  lengthBytes: number;
  pieceLengthBytes: number;
  pieceCount: number;
  trackers: readonly string[];
}>;

/** Makes a v1 torrent (BEP 3) of content that is on the disk; the files of a folder are taken in the order of their paths. */
export async function createTorrent(options: CreateTorrentOptions): Promise<TestTorrent> {
  const { dir, name, pieceLengthBytes = DEFAULT_PIECE_LENGTH_BYTES, trackers = [], isPrivate = false, webSeeds = [] } = options;
  const root = join(dir, name);
  const isFolder = (await stat(root)).isDirectory();
  const paths = isFolder ? await listFiles(root) : [root];
  const files = await Promise.all(
    paths.map(async (path) => ({ path: isFolder ? relative(root, path) : name, lengthBytes: (await stat(path)).size })),
  );
  const pieces = await hashPieces(paths, pieceLengthBytes);
  const lengthBytes = files.reduce((sum, file) => sum + file.lengthBytes, 0);
  const content: Record<string, Bencodable> = isFolder
    ? { files: files.map((file) => ({ length: file.lengthBytes, path: file.path.split(sep) })) }
    : { length: lengthBytes };
  const dictionary: Record<string, Bencodable> = {
    ...content,
    name,
    'piece length': pieceLengthBytes,
    pieces: Buffer.concat(pieces),
    ...(isPrivate ? { private: 1 } : {}),
  };
  const info = encodeBencode(dictionary);
  const metainfo = encodeBencode({
    ...(trackers[0] === undefined ? {} : { announce: trackers[0], 'announce-list': trackers.map((url) => [url]) }),
    info: dictionary,
    ...(webSeeds.length > 0 ? { 'url-list': [...webSeeds] } : {}),
  });
  return {
    infoHash: createHash('sha1').update(info).digest('hex'),
    name,
    dir,
    metainfo,
    info,
    files,
    lengthBytes,
    pieceLengthBytes,
    pieceCount: pieces.length,
    trackers,
  };
}

/** A magnet link (BEP 9) with the torrent's trackers, and peers as `x.pe` (`host:port`). */
export function buildMagnet(torrent: TestTorrent, peers: readonly { address: string; port: number }[] = []): string {
  const parts = [
    `xt=urn:btih:${torrent.infoHash}`,
    `dn=${encodeURIComponent(torrent.name)}`,
    ...torrent.trackers.map((url) => `tr=${encodeURIComponent(url)}`),
    ...peers.map(({ address, port }) => `x.pe=${address}:${port}`),
  ];
  return `magnet:?${parts.join('&')}`;
}

async function listFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function hashPieces(paths: readonly string[], pieceLengthBytes: number): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  let hash = createHash('sha1');
  let filled = 0;
  for (const path of paths) {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) {
        const take = Math.min(pieceLengthBytes - filled, chunk.length - at);
        hash.update(chunk.subarray(at, at + take));
        at += take;
        filled += take;
        if (filled === pieceLengthBytes) {
          pieces.push(hash.digest());
          hash = createHash('sha1');
          filled = 0;
        }
      }
    }
  }
  if (filled > 0) pieces.push(hash.digest());
  return pieces;
}
