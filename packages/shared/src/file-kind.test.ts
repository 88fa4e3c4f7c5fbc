import { expect, it } from 'vitest';
import { fileExtension, fileKind } from './file-kind.ts';

it.each([
  ['Film.2020.MKV', 'video'],
  ['a/b.mp3', 'audio'],
  ['cover.jpg', 'image'],
  ['film.en.srt', 'subtitle'],
  ['readme.nfo', 'text'],
  ['film.exe', 'other'],
  ['no extension', 'other'],
  ['.mkv', 'other'],
  ['folder.mkv/data', 'other'],
])('%s is %s', (path, kind) => {
  expect(fileKind(path)).toBe(kind);
});

it('the extension is in lower case and without its dot', () => {
  expect(fileExtension('X.MP4')).toBe('mp4');
  expect(fileExtension('x')).toBe('');
});
