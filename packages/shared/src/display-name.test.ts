import { expect, it } from 'vitest';
import { sanitizeDisplayName, sanitizeDisplayPath } from './display-name.ts';

it.each([
  ['control characters and line ends', 'a\u0000b\r\nc\u0085d', 'abcd'],
  ['marks that turn the reading direction', 'a\u202egpj.exe', 'agpj.exe'],
  ['zero-width characters', 'a\u200bb\ufeffc', 'abc'],
  ['lone surrogates', 'a\ud800b', 'ab'],
  ['spaces around and in rows', '  a \t b  ', 'a b'],
])('a name loses %s', (_what, text, expected) => {
  expect(sanitizeDisplayName(text)).toBe(expected);
});

it('composes accents, and keeps every script and emoji', () => {
  expect(sanitizeDisplayName('e\u0301té 日本語 🎬 العربية')).toBe('été 日本語 🎬 العربية');
});

it('cuts a name at 255 bytes between characters', () => {
  const name = sanitizeDisplayName('é🎬'.repeat(100));
  expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(255);
  expect(name.endsWith('é') || name.endsWith('🎬')).toBe(true);
});

it.each([
  ['parent directories', ['..', '..', 'etc', 'passwd'], 'etc/passwd'],
  ['slashes inside a component', ['../../etc/passwd'], '.._.._etc_passwd'],
  ['backslashes', ['..\\..\\x'], '.._.._x'],
  ['an absolute path', ['/etc', 'passwd'], '_etc/passwd'],
  ['nothing', [], 'file 3'],
  ['dots and empty parts alone', ['', '.', '..'], 'file 3'],
])('a path of %s is shown without them', (_what, components, expected) => {
  expect(sanitizeDisplayPath(components, 'file 3')).toBe(expected);
});
