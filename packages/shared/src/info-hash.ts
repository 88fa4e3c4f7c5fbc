import { z } from 'zod';

/** A BitTorrent v1 info hash: SHA-1 of the raw bytes of the info dictionary, as 40 lower-case hex digits (BEP 3). */
export const InfoHash = z
  .string()
  .regex(/^[0-9a-f]{40}$/)
  .brand<'InfoHash'>();
export type InfoHash = z.infer<typeof InfoHash>;

/** A BitTorrent v2 info hash: SHA-256 of the same bytes (BEP 52). Only hybrids have one here, beside their v1 hash. */
export const InfoHashV2 = z.string().regex(/^[0-9a-f]{64}$/);

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * Reads every spelling of a v1 info hash (40 hex digits in any case, or 32 base32 letters, BEP 9) into the one
 * canonical form. `null` when the text is neither.
 */
export function parseInfoHash(text: string): InfoHash | null {
  const lower = text.trim().toLowerCase();
  if (/^[0-9a-f]{40}$/.test(lower)) return lower as InfoHash;
  if (/^[a-z2-7]{32}$/.test(lower)) return base32ToHex(lower) as InfoHash;
  return null;
}

function base32ToHex(text: string): string {
  let bits = 0n;
  for (const letter of text) bits = (bits << 5n) | BigInt(BASE32.indexOf(letter));
  return bits.toString(16).padStart(40, '0');
}
