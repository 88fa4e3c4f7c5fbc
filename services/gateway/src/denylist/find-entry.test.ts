import { createHash } from 'node:crypto';
import { InfoHash } from '@lodestream/shared';
import { describe, expect, it } from 'vitest';
import { type DenylistRules, parseDenylist } from './denylist-text.ts';
import { findEntry } from './find-entry.ts';

const infoHash = InfoHash.parse('c9e15763f722f23e98a29decdfae341b98d53056');
const infoHashV2 = 'ab'.repeat(32);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const facts = { infoHash, infoHashV2, names: ['Some.Film.2024', 'Some.Film.2024/sample/Other Film.mkv'] };

function rules(...lines: string[]): DenylistRules {
  const parsed = parseDenylist(lines.join('\n'));
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
  return parsed;
}

describe('a torrent is on a list', () => {
  it.each([
    ['its info hash', infoHash, 'hash'],
    ['the SHA-256 of it', sha256(infoHash), 'digest'],
    ['the SHA-256 of it with its kind', sha256(`btih:${infoHash}`), 'digest'],
    ['the v2 hash of a hybrid', infoHashV2, 'digest'],
    ['the SHA-256 of that', sha256(infoHashV2), 'digest'],
    ['its name', 'name: some film 2024', 'name'],
    ['the name of a file', 'name: other film*', 'name'],
  ])('by %s', (_name, entry, kind) => {
    const list = rules('f'.repeat(40), 'name: nothing of the kind', `${entry} # why`);
    expect(findEntry(list, facts)).toEqual({ line: 3, kind, note: 'why' });
  });

  it.each([
    ['another hash', 'f'.repeat(40)],
    ['the SHA-256 of its bytes', createHash('sha256').update(infoHash, 'hex').digest('hex')],
    ['a part of its name', 'name: some film'],
    ['the name of a folder', 'name: *sample*'],
  ])('not by %s', (_name, entry) => expect(findEntry(rules(entry), facts)).toBeUndefined());

  it('by its hash, whatever is known of its names', () => {
    expect(findEntry(rules('name: some film*', infoHash), { infoHash, names: [] })?.line).toBe(2);
    expect(findEntry(rules('name: some film*'), { infoHash, names: [] })).toBeUndefined();
  });

  it('is found soon in the longest list with the most files', () => {
    const list = rules(...Array.from({ length: 1000 }, (_, n) => `name: *film number ${n} of a long series*`));
    const names = Array.from({ length: 20_000 }, (_, n) => `Folder/Film number ${n} of another series, in a long name.mkv`);
    const startedAt = performance.now();
    expect(findEntry(list, { infoHash, names })).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});
