import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BencodeError, type BencodeValue, isBencodeDictionary, isBencodeList, readBencode } from './bencode.ts';

const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);
const read = (text: string) => readBencode(bytesOf(text));

describe('a bencode document that is not canonical is refused', () => {
  it.each([
    ['a negative length in a list', 'l-3:e'],
    ['a negative length in a dictionary', 'd-3:e'],
    ['a list of depth 2,000', `${'l'.repeat(2000)}${'e'.repeat(2000)}`],
    ['a list of depth 50,000', `${'l'.repeat(50_000)}${'e'.repeat(50_000)}`],
    ['an integer of 400 digits', `i${'9'.repeat(400)}e`],
    ['a float', 'i1.5e'],
    ['a leading zero', 'i007e'],
    ['a negative zero', 'i-0e'],
    ['an integer without digits', 'ie'],
    ['a sign without digits', 'i-e'],
    ['an integer with a plus', 'i+1e'],
    ['bytes after the end', 'i1eGARBAGE'],
    ['an empty document', ''],
    ['an unterminated dictionary', 'd3:foo'],
    ['a key without a value', 'd3:fooe'],
    ['an integer as a key', 'di1e1:ae'],
    ['a string longer than the document', '999999999999:a'],
    ['a cut string', '10:abc'],
    ['a string length with a leading zero', '03:abc'],
    ['only an end', 'e'],
    ['more than 500,000 values', `l${'0:'.repeat(500_001)}e`],
  ])('%s', (_name, text) => {
    expect(() => read(text)).toThrow(BencodeError);
  });
});

it('reads a key named __proto__ as a key', () => {
  const value = read('d9:__proto__d1:xi1eee');
  expect(isBencodeDictionary(value) && [...value.entries.keys()]).toEqual(['__proto__']);
  expect(({} as { x?: unknown }).x).toBeUndefined();
});

it('reads repeated and unsorted keys, and lets the first of a repeated key hold', () => {
  const value = read('d1:bi1e1:ai2e1:bi3ee');
  expect(isBencodeDictionary(value) && Object.fromEntries(value.entries)).toEqual({ b: 1, a: 2 });
});

it('reads 64-bit integers exactly', () => {
  expect(read('i9223372036854775807e')).toBe(9223372036854775807n);
  expect(read('i-42e')).toBe(-42);
  expect(read('i9007199254740991e')).toBe(Number.MAX_SAFE_INTEGER);
});

it('remembers which bytes a dictionary was read from', () => {
  const value = read('d4:infod1:bi1e1:ai2ee1:zi0ee');
  const info = isBencodeDictionary(value) ? value.entries.get('info') : undefined;
  expect(isBencodeDictionary(info) && [info.start, info.end]).toEqual([7, 21]);
});

describe('properties', () => {
  type Plain = number | string | Plain[] | { [key: string]: Plain };
  const { plain } = fc.letrec<{ plain: Plain }>((tie) => ({
    plain: fc.oneof(
      { maxDepth: 4 },
      fc.maxSafeInteger(),
      fc.string({ unit: 'binary-ascii', maxLength: 8 }),
      fc.array(tie('plain'), { maxLength: 4 }),
      fc.dictionary(fc.string({ unit: 'binary-ascii', maxLength: 4 }), tie('plain'), { maxKeys: 4 }),
    ),
  }));

  it('reads back whatever is written', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(toPlain(readBencode(bytesOf(write(value))))).toEqual(value);
      }),
    );
  });

  it('ends on any row of tokens, with a value or a BencodeError', () => {
    const token = fc.oneof(
      fc.constantFrom('d', 'l', 'e', 'i', '0:', '1:a', 'i1e'),
      fc.integer({ min: -9, max: 30 }).map((length) => `${length}:`),
      fc.string({ unit: 'binary-ascii', maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 16 }), (tokens) => {
        try {
          read(tokens.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(BencodeError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  function write(value: Plain): string {
    if (typeof value === 'number') return `i${Object.is(value, -0) ? 0 : value}e`;
    if (typeof value === 'string') return `${value.length}:${value}`;
    if (Array.isArray(value)) return `l${value.map(write).join('')}e`;
    return `d${Object.entries(value)
      .map(([key, item]) => write(key) + write(item))
      .join('')}e`;
  }

  function toPlain(value: BencodeValue): unknown {
    if (value instanceof Uint8Array) return textOf(value);
    if (isBencodeList(value)) return value.items.map(toPlain);
    if (isBencodeDictionary(value)) return Object.fromEntries([...value.entries].map(([key, item]) => [key, toPlain(item)]));
    return value;
  }
});
