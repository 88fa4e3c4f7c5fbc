import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldName, matchesGlob, type NamePattern, parseNamePattern } from './name-pattern.ts';

function pattern(text: string): NamePattern {
  const read = parseNamePattern(text);
  if ('fault' in read) throw new Error(read.fault);
  return read;
}
const matches = (text: string, name: string) => matchesGlob(pattern(text).glob, foldName(name));

/** The definition, as slow as it may be. */
function isMatch(glob: string, name: string): boolean {
  if (glob === '') return name === '';
  const [first = '', rest] = [glob[0], glob.slice(1)];
  if (first === '*') return isMatch(rest, name) || (name !== '' && isMatch(glob, name.slice(1)));
  return name !== '' && (first === '?' || first === name[0]) && isMatch(rest, name.slice(1));
}

describe('a name pattern', () => {
  it.each([
    ['*some film*', 'Some.Film.2024.1080p.mkv'],
    ['some film', 'SOME_FILM'],
    ['some film 20??', 'Some-Film (2024)'.replaceAll(/[()]/g, '')],
    ['*ｆｉｌｍ*', 'film'],
    ['*großer film*', 'GROSSER FILM'.replace('SS', 'ß')],
    ['*some film*', 'so\u00adme fi\u200blm'],
    ['*.mkv extra', 'some film.mkv.extra'],
    ['*🎬 film*', 'A 🎬 film'],
  ])('%s names %j', (text, name) => expect(matches(text, name)).toBe(true));

  it.each([
    ['some film', 'some film 2024'],
    ['*some film', 'some film 2024'],
    ['some film 20??', 'some film 204'],
    ['*some film*', 'somefilm'],
  ])('%s does not name %j', (text, name) => expect(matches(text, name)).toBe(false));

  it.each(['', '*', '??*', '* a b *', 'ab', '... --- ...', 'x'.repeat(201)])('is never %j', (text) => {
    expect(parseNamePattern(text)).toEqual({ fault: expect.any(String) });
  });

  it('says the same as the definition of a glob', () => {
    const text = (alphabet: string) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 8 });
    fc.assert(
      fc.property(text('ab*?'), text('ab'), (glob, name) => {
        expect(matchesGlob(glob, name)).toBe(isMatch(glob, name));
      }),
      { numRuns: 2000 },
    );
  });

  it('names whatever is made by filling its gaps', () => {
    const text = (alphabet: string, minLength: number) =>
      fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(text('abc12', 3), { minLength: 1, maxLength: 4 }), text('xyz -.', 0), (words, filling) => {
        expect(matches(words.join('*'), words.join(filling))).toBe(true);
      }),
    );
  });

  it('has an anchor that stands in everything that it names', () => {
    const read = pattern('a*longest text*b?');
    expect(read.anchor).toBe('longest text');
    expect(foldName('A very longest.text_b1')).toContain(read.anchor);
  });

  it('is compared in bounded time with a name that is made against it', () => {
    const startedAt = performance.now();
    expect(matches(`${'a*'.repeat(60)}b`, 'a'.repeat(1024))).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});

it('folding is done once: what is folded stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const folded = foldName(text);
      expect(foldName(folded)).toBe(folded);
    }),
  );
});
