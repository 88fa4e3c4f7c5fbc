import { describe, expect, it } from 'vitest';
import { METAINFO_LIMITS, readInfoDictionary, readMetainfo } from './metainfo.ts';

type Plain = number | string | Plain[] | { [key: string]: Plain };
const write = (value: Plain): string => {
  if (typeof value === 'number') return `i${value}e`;
  if (typeof value === 'string') return `${value.length}:${value}`;
  if (Array.isArray(value)) return `l${value.map(write).join('')}e`;
  return `d${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => write(key) + write(item))
    .join('')}e`;
};
const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const INFO = { name: 'film.mp4', length: 16_384, 'piece length': 16_384, pieces: 'h'.repeat(20) };
const readInfo = (changes: Record<string, Plain>) => {
  const { length, ...rest } = INFO;
  const base: Record<string, Plain> = 'files' in changes || 'file tree' in changes ? rest : { ...rest, length };
  return readInfoDictionary(bytesOf(write({ ...base, ...changes })));
};

describe('numbers that do not fit each other are refused', () => {
  it.each<[string, Record<string, Plain>, string]>([
    ['a negative length', { length: -5 }, 'invalid-torrent'],
    ['a length of nothing', { length: 0 }, 'invalid-torrent'],
    [
      'a negative length of one file',
      {
        files: [
          { length: -5, path: ['a'] },
          { length: 16_389, path: ['b'] },
        ],
      },
      'invalid-torrent',
    ],
    ['a piece length of 0', { 'piece length': 0 }, 'invalid-torrent'],
    ['a negative piece length', { 'piece length': -1 }, 'invalid-torrent'],
    ['a piece length that is text', { 'piece length': '16384' }, 'invalid-torrent'],
    ['pieces of 4 PB', { 'piece length': 2 ** 52 }, 'torrent-too-large'],
    ['1,000 hashes for one piece', { pieces: 'h'.repeat(20_000) }, 'invalid-torrent'],
    ['13 bytes of hashes', { pieces: 'h'.repeat(13) }, 'invalid-torrent'],
    ['no hashes', { pieces: '' }, 'invalid-torrent'],
    ['no files', { files: [] }, 'invalid-torrent'],
    ['files that are no list', { files: 'x' }, 'invalid-torrent'],
    ['a file without a path', { files: [{ length: 16_384 }] }, 'invalid-torrent'],
    ['a length hidden in __proto__', { files: [{ __proto__x: { length: 1 }, path: ['a'] }] }, 'invalid-torrent'],
    ['a sum beyond 2^53', { files: Array.from({ length: 3 }, () => ({ length: 2 ** 52, path: ['a'] })) }, 'invalid-torrent'],
    [
      '20,001 files',
      { files: Array.from({ length: 20_001 }, (_, index) => ({ length: 1, path: [`${index}`] })) },
      'torrent-too-large',
    ],
    [
      '200 files of one name',
      { files: Array.from({ length: 200 }, () => ({ length: 80, path: ['same'] })) },
      'torrent-too-large',
    ],
    ['a path 101 deep', { files: [{ length: 16_384, path: Array<string>(101).fill('d') }] }, 'invalid-torrent'],
  ])('%s', async (_name, changes, problem) => {
    expect(await readInfo(changes)).toMatchObject({ problem });
  });
});

it('hashes that come twice are refused: clients do not agree on which of them hold', async () => {
  const hashes = `6:pieces20:${'h'.repeat(20)}`;
  const text = `d6:lengthi16384e4:name1:x12:piece lengthi16384e${hashes}${hashes}e`;
  expect(await readInfoDictionary(bytesOf(text))).toMatchObject({ problem: 'invalid-torrent' });
});

it('a v2-only torrent has a code of its own', async () => {
  const text = write({ name: 'x', 'piece length': 16_384, 'meta version': 2, 'file tree': {} });
  expect(await readInfoDictionary(bytesOf(text))).toEqual({ problem: 'torrent-v2-only' });
});

it('a hybrid has the SHA-256 of the same bytes as its v2 hash, and a v1 torrent has none', async () => {
  const text = write({ ...INFO, 'meta version': 2, 'file tree': {} });
  const sha256 = new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(text) as Uint8Array<ArrayBuffer>));
  const infoHashV2 = Array.from(sha256, (byte) => byte.toString(16).padStart(2, '0')).join('');
  expect(await readInfoDictionary(bytesOf(text))).toMatchObject({ infoHashV2 });
  expect(await readInfoDictionary(bytesOf(write(INFO)))).not.toHaveProperty('infoHashV2');
});

it('keeps the index of every file, marks padding, and lays the files end to end', async () => {
  const files = [
    { length: 100, path: ['a.mkv'] },
    { length: 16_284, path: ['.pad', '16284'], attr: 'p' },
    { length: 0, path: ['empty.txt'] },
    { length: 7, path: ['sub', 'b.srt'], attr: 'l', 'symlink path': ['..', 'etc', 'passwd'] },
  ];
  const read = await readInfo({ files, pieces: 'h'.repeat(40) });
  const name = 'film.mp4';
  expect('problem' in read ? read : read.files).toEqual([
    { index: 0, path: 'a.mkv', lengthBytes: 100, kind: 'video', offset: 0, isPadding: false, rawPath: [name, 'a.mkv'] },
    {
      index: 1,
      path: '.pad/16284',
      lengthBytes: 16_284,
      kind: 'other',
      offset: 100,
      isPadding: true,
      rawPath: [name, '.pad', '16284'],
    },
    { index: 2, path: 'empty.txt', lengthBytes: 0, kind: 'text', offset: 16_384, isPadding: false, rawPath: [name, 'empty.txt'] },
    {
      index: 3,
      path: 'sub/b.srt',
      lengthBytes: 7,
      kind: 'subtitle',
      offset: 16_384,
      isPadding: false,
      rawPath: [name, 'sub', 'b.srt'],
    },
  ]);
});

it('takes the info hash from the raw bytes, sorted or not', async () => {
  const sorted = `d6:lengthi16384e4:name1:x12:piece lengthi16384e6:pieces20:${'h'.repeat(20)}e`;
  const unsorted = `d4:name1:x6:lengthi16384e12:piece lengthi16384e6:pieces20:${'h'.repeat(20)}e`;
  const [a, b] = await Promise.all([sorted, unsorted].map((info) => readMetainfo(bytesOf(`d4:info${info}e`))));
  const digest = await crypto.subtle.digest('SHA-1', bytesOf(unsorted));
  const expected = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  expect(b).toMatchObject({ source: { infoHash: expected } });
  expect(a).not.toMatchObject({ source: { infoHash: expected } });
});

it.each([
  ['one text', 'http://a.example/x', ['http://a.example/x']],
  [
    'a list',
    ['https://a.example/x', 'ftp://a.example/', 'http://me:pw@a.example/', '', 'https://a.example/x'],
    ['https://a.example/x'],
  ],
  [
    'too many',
    Array.from({ length: 20 }, (_, index) => `http://a.example/${index}`),
    Array.from({ length: 8 }, (_, index) => `http://a.example/${index}`),
  ],
  ['a number', 7, undefined],
])('the web seeds of url-list, %s', async (_name, urlList, webSeeds) => {
  const read = await readMetainfo(bytesOf(write({ info: INFO, 'url-list': urlList })));
  expect('source' in read ? read.source.webSeeds : read).toEqual(webSeeds);
});

it('returns a source that holds the document and its filtered trackers', async () => {
  const announce = 'http://a.example/announce';
  const document = bytesOf(
    write({ announce, 'announce-list': [[announce, 'ftp://x'], ['udp://b.example:1/']], info: { ...INFO, private: 1 } }),
  );
  const read = await readMetainfo(document);
  if (!('source' in read)) throw new Error(read.problem);
  expect(read.source.trackers).toEqual([announce, 'udp://b.example:1/']);
  expect(bytesOf(atob(read.source.metainfo ?? ''))).toEqual(document);
  expect(read.metainfo.isPrivate).toBe(true);
});

it('refuses what is larger than the limits before it reads it', async () => {
  expect(await readMetainfo(new Uint8Array(METAINFO_LIMITS.documentBytes + 1))).toMatchObject({ problem: 'torrent-too-large' });
  expect(await readInfoDictionary(new Uint8Array(METAINFO_LIMITS.infoBytes + 1))).toMatchObject({ problem: 'torrent-too-large' });
});
