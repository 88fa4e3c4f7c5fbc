import { createHash } from 'node:crypto';
import { parseInfoHash } from '@lodestream/shared';
import { type NamePattern, parseNamePattern } from './name-pattern.ts';

/** One line of a list: what an operator finds it by, and what he wrote behind it. */
export type DenylistEntry = Readonly<{ line: number; kind: 'hash' | 'digest' | 'name'; note: string }>;

/** A list, read whole. Immutable: another version is another value. */
export type DenylistRules = Readonly<{
  /** First digits of the SHA-256 of its text: line numbers are those of this version. */
  version: string;
  /** By 40 hex digits (an info hash) or 64 (its SHA-256, or a v2 info hash). */
  hashes: ReadonlyMap<string, DenylistEntry>;
  patterns: readonly Readonly<{ pattern: NamePattern; entry: DenylistEntry }>[];
}>;

export type DenylistFault = Readonly<{ line: number; fault: string }>;

/** 60,000 digests; a list longer than this is not one that somebody keeps. */
export const MAX_LIST_BYTES = 4 * 1024 * 1024;
/** Every name of a torrent is compared with every pattern. */
const MAX_PATTERNS = 1000;
/** An operator mends one after the other; a page of HTML has a fault in every line. */
const MAX_FAULTS = 5;
const MAX_NOTE_CHARACTERS = 200;

/**
 * Reads a list. One entry a line: 40 hex digits or 32 base32 letters are an info hash; 64 hex digits are the SHA-256 of one, or
 * a v2 info hash; `name:` begins a pattern. `#` begins a note, at the start of a line or after a space.
 *
 * A list with a line that makes no sense is read as a whole or not at all: half of an error page must not replace a list.
 */
export function parseDenylist(text: string): DenylistRules | { faults: readonly DenylistFault[] } {
  const hashes = new Map<string, DenylistEntry>();
  const patterns: { pattern: NamePattern; entry: DenylistEntry }[] = [];
  const faults: DenylistFault[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const { content, note } = splitNote(raw);
    if (content === '') continue;
    const line = index + 1;
    const read = readLine(content);
    if ('fault' in read) faults.push({ line, fault: read.fault });
    else if ('pattern' in read) patterns.push({ pattern: read.pattern, entry: { line, kind: 'name', note } });
    else if (!hashes.has(read.hash)) hashes.set(read.hash, { line, kind: read.kind, note });
    if (patterns.length > MAX_PATTERNS) faults.push({ line, fault: `a list has at most ${MAX_PATTERNS} name patterns` });
    if (faults.length >= MAX_FAULTS) break;
  }
  if (faults.length > 0) return { faults };
  return { version: createHash('sha256').update(text).digest('hex').slice(0, 8), hashes, patterns };
}

type Line = { hash: string; kind: 'hash' | 'digest' } | { pattern: NamePattern } | { fault: string };

function readLine(content: string): Line {
  const named = /^name:(.*)$/i.exec(content)?.[1];
  if (named !== undefined) {
    const pattern = parseNamePattern(named);
    return 'fault' in pattern ? pattern : { pattern };
  }
  const infoHash = parseInfoHash(content);
  if (infoHash) return { hash: infoHash, kind: 'hash' };
  const digest = content.toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digest)) return { hash: digest, kind: 'digest' };
  return { fault: 'neither an info hash (40 hex digits, 32 letters), nor a SHA-256 (64 hex digits), nor name:PATTERN' };
}

function splitNote(raw: string): { content: string; note: string } {
  const at = /(?:^|\s)#/.exec(raw);
  if (!at) return { content: raw.trim(), note: '' };
  const note = raw
    .slice(at.index)
    .trim()
    .replace(/^#+\s*/, '');
  return { content: raw.slice(0, at.index).trim(), note: note.slice(0, MAX_NOTE_CHARACTERS) };
}
