import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildWebSeedUrl } from './web-seed-url.ts';

it.each([
  ['http://a.example/film.mkv', ['x.mkv'], true, 'http://a.example/film.mkv'],
  ['http://a.example/films/', ['x y.mkv'], true, 'http://a.example/films/x%20y.mkv'],
  ['http://a.example/films', ['Pack', 'x.mkv'], false, 'http://a.example/films/Pack/x.mkv'],
  ['http://a.example/films/', ['Pack', 's', 'x.mkv'], false, 'http://a.example/films/Pack/s/x.mkv'],
  ['http://a.example/get?key=1', ['Pack', 'x.mkv'], false, 'http://a.example/get/Pack/x.mkv?key=1'],
  ['http://a.example/', ['c#d?.mp4'], true, 'http://a.example/c%23d%3F.mp4'],
  ['http://a.example/', ['100%25', 'ü/ö'], false, 'http://a.example/100%2525/%C3%BC%2F%C3%B6'],
])('%s and %j, single %j: %s', (base, rawPath, isSingleFile, url) => {
  expect(buildWebSeedUrl(base, rawPath, isSingleFile)).toBe(url);
});

it('no name leads out of the folder, to another host, or into a query', () => {
  const names = fc.array(
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('..', '.', '', '%2e%2e', '\\..', '@b', '//')),
    {
      minLength: 1,
    },
  );
  fc.assert(
    fc.property(names, (rawPath) => {
      const text = buildWebSeedUrl('https://a.example/films/', rawPath, false);
      if (text === null) return;
      const url = new URL(text);
      expect([url.origin, url.search, url.hash]).toEqual(['https://a.example', '', '']);
      expect(url.pathname.startsWith('/films/')).toBe(true);
      expect(url.pathname.split('/').slice(2).map(decodeURIComponent)).toEqual(rawPath);
    }),
  );
  expect(buildWebSeedUrl('http://a.example/', ['..', 'x'], false)).toBe(null);
});
