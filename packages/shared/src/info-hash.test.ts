import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InfoHash, parseInfoHash } from './info-hash.ts';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const hashes = fc.uint8Array({ minLength: 20, maxLength: 20 });
const hexOf = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** RFC 4648 §6, written from the RFC and bit by bit, unlike the code under test. */
function base32Of(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join('');
}

describe('parseInfoHash', () => {
  it('folds hex in any case, and surrounding space, to 40 lower-case digits', () => {
    fc.assert(
      fc.property(hashes, (bytes) => {
        const hex = hexOf(bytes);
        for (const spelling of [hex, hex.toUpperCase(), ` ${hex}\n`]) expect(parseInfoHash(spelling)).toBe(hex);
      }),
    );
  });

  it('reads base32 as the same hash, leading zeros included', () => {
    fc.assert(
      fc.property(hashes, (bytes) => {
        expect(parseInfoHash(base32Of(bytes))).toBe(hexOf(bytes));
        expect(parseInfoHash(base32Of(bytes).toUpperCase())).toBe(hexOf(bytes));
      }),
    );
    expect(parseInfoHash('a'.repeat(32))).toBe('0'.repeat(40));
    expect(parseInfoHash('7'.repeat(32))).toBe('f'.repeat(40));
  });

  it.each([
    ['nothing', ''],
    ['39 digits', 'a'.repeat(39)],
    ['41 digits', 'a'.repeat(41)],
    ['a v2 hash', 'a'.repeat(64)],
    ['a letter that is no digit', `g${'a'.repeat(39)}`],
    ['a base32 letter that there is not', `1${'a'.repeat(31)}`],
    ['padding', `${'a'.repeat(31)}=`],
    ['a path', `../${'a'.repeat(37)}`],
    ['full-width digits', '１'.repeat(40)],
    // İ becomes two characters in lower case: a length that only looks right is not.
    ['letters that grow in lower case', 'İ'.repeat(20)],
  ])('refuses %s', (_name, text) => {
    expect(parseInfoHash(text)).toBeNull();
  });

  it('gives nothing, or what the schema accepts', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const infoHash = parseInfoHash(text);
        return infoHash === null || InfoHash.safeParse(infoHash).success;
      }),
    );
  });
});
