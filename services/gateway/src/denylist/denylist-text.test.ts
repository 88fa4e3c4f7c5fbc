import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DenylistRules, parseDenylist } from './denylist-text.ts';

const HASH = 'c9e15763f722f23e98a29decdfae341b98d53056';
const BASE32 = 'ZHQVOY7XELZD5GFCTXWN7LRUDOMNKMCW';
const DIGEST = createHash('sha256').update(HASH).digest('hex');

function read(text: string): DenylistRules {
  const parsed = parseDenylist(text);
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
  return parsed;
}

describe('a denylist', () => {
  it('has info hashes, digests and name patterns, with notes', () => {
    const rules = read(
      ['# ours', '', HASH, `${DIGEST.toUpperCase()} # case 12`, '\tname: *Some.Film* # by court order #7', '## end'].join('\r\n'),
    );
    expect([...rules.hashes]).toEqual([
      [HASH, { line: 3, kind: 'hash', note: '' }],
      [DIGEST, { line: 4, kind: 'digest', note: 'case 12' }],
    ]);
    expect(rules.patterns.map(({ pattern, entry }) => [pattern.glob, entry])).toEqual([
      ['*some film*', { line: 5, kind: 'name', note: 'by court order #7' }],
    ]);
  });

  it.each([HASH.toUpperCase(), BASE32, ` ${BASE32.toLowerCase()} `, `\uFEFF${HASH}`])('folds %j to the one spelling', (text) => {
    expect([...read(text).hashes.keys()]).toEqual([HASH]);
  });

  it('may be empty, or say something twice: the first line counts', () => {
    expect(read('').hashes.size).toBe(0);
    expect(read('# nothing any more\n\n').patterns).toEqual([]);
    expect(read(`${HASH} # one\n${BASE32} # two`).hashes.get(HASH)?.note).toBe('one');
  });

  it('has a version that is another for another text', () => {
    expect(read(HASH).version).toBe(read(HASH).version);
    expect(read(HASH).version).not.toBe(read(`${HASH} # why`).version);
  });

  it.each([
    ['a page of HTML', '<!doctype html>\n<html><body>502</body></html>', [1, 2]],
    ['a hash that lacks a digit', `${HASH}\n${HASH.slice(1)}`, [2]],
    ['a pattern that names everything', 'name: *', [1]],
    ['a magnet', `magnet:?xt=urn:btih:${HASH}`, [1]],
    ['two entries in a line', `${HASH} ${DIGEST}`, [1]],
  ])('is refused as a whole, with the lines, where it has %s', (_name, text, lines) => {
    const parsed = parseDenylist(text);
    expect('faults' in parsed && parsed.faults.map(({ line }) => line)).toEqual(lines);
  });

  it('says a few faults of many', () => {
    const parsed = parseDenylist('nonsense\n'.repeat(100_000));
    expect('faults' in parsed && parsed.faults.length).toBe(5);
  });

  it('has no more patterns than can be compared with everything', () => {
    expect(read('name: some film\n'.repeat(1000)).patterns).toHaveLength(1000);
    expect(parseDenylist('name: some film\n'.repeat(1001))).toHaveProperty('faults');
  });

  it('is rules or faults for any text, and never throws', () => {
    const line = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => `name:${text}`),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 40, maxLength: 40 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        const parsed = parseDenylist(lines.join('\n'));
        if ('faults' in parsed) expect(parsed.faults.length).toBeGreaterThan(0);
        else for (const key of parsed.hashes.keys()) expect(key).toMatch(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
      }),
      { numRuns: 500 },
    );
  });

  it('has every hash that was written into it, in any order and spelling', () => {
    const hash = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(fc.uniqueArray(hash, { maxLength: 50 }), fc.func(fc.boolean()), (hashes, isUpper) => {
        const text = hashes.map((each) => (isUpper(each) ? each.toUpperCase() : `${each}\t# note`)).join('\n');
        expect([...read(text).hashes.keys()].sort()).toEqual([...hashes].sort());
      }),
    );
  });
});
