import { createHash, createHmac } from 'node:crypto';
import type { InfoHash } from '@lodestream/shared';

/**
 * Deterministic names, so that a hundred concurrent asks are one create and ninety-nine "already exists": there is no
 * lock. Each is a DNS-1123 label of at most 63 characters: 3 + 40 for a downloader, 3 + 20 + 1 + 7 + 1 + 3 for a run.
 */
export function downloaderName(infoHash: InfoHash): string {
  return `dl-${infoHash}`;
}

/** `index` tells apart runs that start at the same segment (architecture §2, Workloads). */
export function runName(infoHash: InfoHash, fileIndex: number, renditionId: string, segmentIndex: number, index: number): string {
  return `tc-${shortId([infoHash, fileIndex, renditionId])}-${segmentIndex}-${index}`;
}

export function probeName(infoHash: InfoHash, fileIndex: number): string {
  return `pr-${shortId([infoHash, fileIndex])}`;
}

/** A worker's token, in both directions: HMAC-SHA256(deployment key, workload name). */
export function workloadToken(key: Buffer, name: string): string {
  return createHmac('sha256', key).update(name).digest('hex');
}

/** What logs say instead of a name or an info hash: the raw one appears at debug level only. */
export function logId(key: Buffer, text: string): string {
  const prefix = /^(dl|tc|pr)-/.exec(text)?.[0] ?? '';
  return prefix + createHmac('sha256', key).update(text).digest('hex').slice(0, 8);
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const SHORT_ID_LENGTH = 20;

function shortId(parts: (string | number)[]): string {
  const digest = createHash('sha256').update(parts.join('\n')).digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 13)) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let i = 0; i < SHORT_ID_LENGTH; i++) {
    text += BASE32[Number((bits >> 99n) & 31n)];
    bits = (bits << 5n) & ((1n << 104n) - 1n);
  }
  return text;
}
