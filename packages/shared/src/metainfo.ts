import {
  type BencodeDictionary,
  BencodeError,
  type BencodeValue,
  isBencodeDictionary,
  isBencodeList,
  isBencodeString,
  readBencode,
} from './bencode.ts';
import { sanitizeDisplayName, sanitizeDisplayPath } from './display-name.ts';
import { fileKind } from './file-kind.ts';
import type { InfoHash } from './info-hash.ts';
import type { ProblemCode } from './problem.ts';
import type { TorrentFile, TorrentSource } from './torrent.ts';
import { filterTrackers, filterWebSeeds } from './torrent-address.ts';

/** Limits of security.md §6.1. */
export const METAINFO_LIMITS = {
  /** A whole .torrent document; libtorrent reads 10 MB too. */
  documentBytes: 10 * 1024 * 1024,
  /** An info dictionary from peers; the largest in the wild are 1 to 2 MB. */
  infoBytes: 8 * 1024 * 1024,
  files: 20_000,
  /** Beyond it the list is an attack on whoever shows it; libtorrent's limit is 500. */
  duplicateNames: 100,
  pathDepth: 100,
  /** One per piece is kept by every layer; libtorrent's 0x200000 is the hard maximum. */
  pieces: 262_144,
  /** Smaller than a block is odd but exact; aria2's own examples have 128. The number of pieces bounds what it costs. */
  pieceLengthMin: 64,
  /** A whole piece is in memory until its hash is right. */
  pieceLengthMax: 64 * 1024 * 1024,
  /** 2 TiB. */
  totalBytes: 2 * 1024 ** 4,
} as const;

const HASH_BYTES = 20;
/** The keys that decide which bytes the torrent is: where one comes twice, clients do not agree on it. */
const DECIDING_KEYS = ['pieces', 'piece length', 'length', 'files'];

/** A file as it lies in the torrent's one long string of bytes. */
export type MetainfoFile = TorrentFile & {
  offset: number;
  isPadding: boolean;
  /** What the torrent calls it, from the torrent's own name on; a stranger's text, for the address at a web seed alone. */
  rawPath: readonly string[];
};

/** What an info dictionary says, after every number in it has been checked against the others. */
export type Metainfo = {
  infoHash: InfoHash;
  /** Of a hybrid (BEP 52). */
  infoHashV2?: string;
  name: string;
  pieceLength: number;
  pieceCount: number;
  /** 20 bytes for each piece. */
  pieceHashes: Uint8Array;
  lengthBytes: number;
  /** All of them, padding included (BEP 47): their indexes are those of every other client. */
  files: MetainfoFile[];
  isPrivate: boolean;
  /** One file and no folder around it: its web seeds are addressed otherwise (BEP 19). */
  isSingleFile: boolean;
  /** The info dictionary exactly as it was read. */
  infoBytes: Uint8Array;
};

export type Rejected = { problem: ProblemCode; detail?: string };
export type MetainfoResult = { source: TorrentSource; metainfo: Metainfo } | Rejected;

/**
 * Reads a .torrent document (BEP 3). The info hash is the SHA-1 of the info dictionary's own bytes, never of a
 * re-encoding, so that a torrent with unsorted keys still finds its swarm.
 */
export async function readMetainfo(bytes: Uint8Array): Promise<MetainfoResult> {
  if (bytes.length > METAINFO_LIMITS.documentBytes) return tooLarge('The file is larger than 10 MiB');
  const root = tryReadBencode(trimLineEnd(bytes));
  if ('problem' in root) return root;
  if (!isBencodeDictionary(root.value)) return invalid('It is not a dictionary');
  const info = root.value.entries.get('info');
  if (!isBencodeDictionary(info)) return invalid('It has no info dictionary');
  const read = await readInfo(info, bytes);
  if ('problem' in read) return read;
  const webSeeds = filterWebSeeds(listWebSeeds(root.value));
  const source: TorrentSource = {
    infoHash: read.infoHash,
    ...(read.infoHashV2 === undefined ? {} : { infoHashV2: read.infoHashV2 }),
    displayName: read.name,
    trackers: filterTrackers(listTrackers(root.value)),
    peers: [],
    ...(webSeeds.length > 0 ? { webSeeds } : {}),
    metainfo: toBase64(bytes),
  };
  return { source, metainfo: read };
}

/** Reads the bytes of a bare info dictionary, as peers send it (BEP 9). The caller compares the info hash. */
export async function readInfoDictionary(bytes: Uint8Array): Promise<Metainfo | Rejected> {
  if (bytes.length > METAINFO_LIMITS.infoBytes) return tooLarge('Its metadata is larger than 8 MiB');
  const root = tryReadBencode(bytes);
  if ('problem' in root) return root;
  if (!isBencodeDictionary(root.value)) return invalid('Its metadata is not a dictionary');
  return readInfo(root.value, bytes);
}

async function readInfo(info: BencodeDictionary, document: Uint8Array): Promise<Metainfo | Rejected> {
  const infoBytes = document.subarray(info.start, info.end);
  const entries = info.entries;
  if (!entries.has('pieces') && (entries.has('file tree') || entries.get('meta version') === 2))
    return { problem: 'torrent-v2-only' };
  if (DECIDING_KEYS.some((key) => info.repeated.has(key))) return invalid('It says something twice');

  const pieceLength = entries.get('piece length');
  if (typeof pieceLength !== 'number' || pieceLength < METAINFO_LIMITS.pieceLengthMin) return invalid('A bad piece length');
  if (pieceLength > METAINFO_LIMITS.pieceLengthMax) return tooLarge('Its pieces are larger than 64 MiB');
  const pieceHashes = entries.get('pieces');
  if (!isBencodeString(pieceHashes) || pieceHashes.length === 0 || pieceHashes.length % HASH_BYTES !== 0)
    return invalid('Bad piece hashes');
  const name = readText(entries.get('name.utf-8')) ?? readText(entries.get('name'));
  if (name === null) return invalid('It has no name');

  const read = readFiles(entries, name);
  if ('problem' in read) return read;
  const { files, lengthBytes } = read;
  if (lengthBytes > METAINFO_LIMITS.totalBytes) return tooLarge('It is larger than 2 TiB');
  const pieceCount = pieceHashes.length / HASH_BYTES;
  if (pieceCount !== Math.ceil(lengthBytes / pieceLength)) return invalid('The number of piece hashes does not fit its length');
  if (pieceCount > METAINFO_LIMITS.pieces) return tooLarge('It has too many pieces');

  return {
    infoHash: (await hexDigest('SHA-1', infoBytes)) as InfoHash,
    ...(entries.get('meta version') === 2 ? { infoHashV2: await hexDigest('SHA-256', infoBytes) } : {}),
    name: sanitizeDisplayName(name) || 'torrent',
    pieceLength,
    pieceCount,
    pieceHashes,
    lengthBytes,
    files,
    isPrivate: entries.get('private') === 1,
    isSingleFile: !entries.has('files'),
    infoBytes,
  };
}

function readFiles(entries: Map<string, BencodeValue>, name: string): { files: MetainfoFile[]; lengthBytes: number } | Rejected {
  const list = entries.get('files');
  if (list === undefined) {
    const lengthBytes = entries.get('length');
    if (!isLength(lengthBytes) || lengthBytes === 0) return invalid('A bad length');
    const path = sanitizeDisplayPath([name], 'file');
    const file = { index: 0, path, lengthBytes, kind: fileKind(path), offset: 0, isPadding: false, rawPath: [name] };
    return { files: [file], lengthBytes };
  }
  if (!isBencodeList(list) || list.items.length === 0) return invalid('It has no files');
  if (list.items.length > METAINFO_LIMITS.files) return tooLarge('It has more than 20,000 files');

  const files: MetainfoFile[] = [];
  const seen = new Set<string>();
  let duplicates = 0;
  let offset = 0;
  for (const [index, item] of list.items.entries()) {
    if (!isBencodeDictionary(item)) return invalid('A bad entry in its list of files');
    const lengthBytes = item.entries.get('length');
    if (!isLength(lengthBytes)) return invalid('A file with a bad length');
    const components = readPath(item.entries.get('path.utf-8')) ?? readPath(item.entries.get('path'));
    if (components === null) return invalid('A file with a bad path');
    const attributes = readText(item.entries.get('attr')) ?? '';
    const isPadding = attributes.includes('p') || components.some((component) => component.startsWith('_____padding_file'));
    const path = sanitizeDisplayPath(components, `file ${index}`);
    if (!isPadding && seen.size === seen.add(path).size && ++duplicates > METAINFO_LIMITS.duplicateNames)
      return tooLarge('It has too many files of the same name');
    files.push({ index, path, lengthBytes, kind: fileKind(path), offset, isPadding, rawPath: [name, ...components] });
    offset += lengthBytes;
    if (!Number.isSafeInteger(offset)) return invalid('Its length is not a number');
  }
  return { files, lengthBytes: offset };
}

function readPath(value: BencodeValue | undefined): string[] | null {
  if (!isBencodeList(value) || value.items.length > METAINFO_LIMITS.pathDepth) return null;
  const components = value.items.map(readText);
  return components.every((component) => component !== null) ? components : null;
}

const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: false });

function readText(value: BencodeValue | undefined): string | null {
  return isBencodeString(value) ? utf8.decode(value) : null;
}

function isLength(value: BencodeValue | undefined): value is number {
  return typeof value === 'number' && value >= 0;
}

function* listTrackers(root: BencodeDictionary): Generator<string> {
  const tiers = root.entries.get('announce-list');
  for (const tier of isBencodeList(tiers) ? tiers.items : [])
    for (const url of isBencodeList(tier) ? tier.items : []) yield readText(url) ?? '';
  yield readText(root.entries.get('announce')) ?? '';
}

/** `url-list` is one text or a list of them. */
function* listWebSeeds(root: BencodeDictionary): Generator<string> {
  const urls = root.entries.get('url-list');
  for (const url of isBencodeList(urls) ? urls.items : [urls]) yield readText(url) ?? '';
}

function tryReadBencode(bytes: Uint8Array): { value: BencodeValue } | Rejected {
  try {
    return { value: readBencode(bytes) };
  } catch (error) {
    if (error instanceof BencodeError) return invalid(`It is not bencode: ${error.message}`);
    throw error;
  }
}

/** Files that went through an editor or a mail end in a line end; real clients read them. */
function trimLineEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d) end -= 1;
  return bytes.subarray(0, end);
}

async function hexDigest(algorithm: 'SHA-1' | 'SHA-256', bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest(algorithm, bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function toBase64(bytes: Uint8Array): string {
  // Slices that keep the argument list of fromCharCode short.
  const sliceBytes = 8190;
  let binary = '';
  for (let start = 0; start < bytes.length; start += sliceBytes)
    binary += String.fromCharCode(...bytes.subarray(start, start + sliceBytes));
  return btoa(binary);
}

function invalid(detail: string): Rejected {
  return { problem: 'invalid-torrent', detail };
}

function tooLarge(detail: string): Rejected {
  return { problem: 'torrent-too-large', detail };
}
