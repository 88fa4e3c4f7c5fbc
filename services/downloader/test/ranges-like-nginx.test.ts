import { makeTempDir, type Nginx, startLibtorrentSeeder, startNginx } from '@lodestream/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeRandomFilm, type RandomFilm } from './random-film.ts';
import { type RunningDownloader, startDownloader } from './start-downloader.ts';

const stack = new AsyncDisposableStack();
let film: RandomFilm;
let nginx: Nginx;
let downloader: RunningDownloader;

beforeAll(async () => {
  film = stack.use(await makeRandomFilm(1, 32 * 1024));
  nginx = stack.use(await startNginx({ dir: film.dir }));
  const seeder = stack.use(await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.8.1' }));
  const work = stack.use(await makeTempDir('work'));
  const options = { infoHash: film.torrent.infoHash, workDir: work.path, peers: [`${seeder.address}:${seeder.port}`] };
  downloader = stack.use(await startDownloader(options));
});
afterAll(() => stack.disposeAsync());

/** Of a file of 1,036,231 bytes. */
const RANGES = [
  'bytes=0-',
  'bytes=0-0',
  'bytes=1-1',
  'bytes=0-1036230',
  'bytes=0-1036231',
  'bytes=32767-32768',
  'bytes=65536-131071',
  'bytes=1036230-',
  'bytes=1036230-9999999',
  'bytes=1036231-',
  'bytes=1036231-1036232',
  'bytes=2000000-3000000',
  'bytes=-1',
  'bytes=-1000',
  'bytes=-1036231',
  'bytes=-9999999',
  'bytes=-0',
  'bytes=5-2',
  'bytes=00-05',
  'bytes= 0-5',
  'bytes=0 - 5',
  'BYTES=0-5',
  'bytes=',
  'bytes=-',
  'bytes=5',
  'bytes=abc',
  'bytes=--5',
  'bytes=1.5-3',
  'bytes 0-5',
  'items=0-5',
  'bytes=0-9223372036854775806',
];

async function ask(kind: 'ours' | 'nginx', headers: Record<string, string>, method = 'GET') {
  const response =
    kind === 'ours'
      ? await downloader.fetch('/files/0', { method, headers })
      : await fetch(`${nginx.baseUrl}/${film.torrent.name}`, { method, headers });
  const body = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    contentRange: response.headers.get('content-range'),
    // What a refusal says in words is each server's own.
    lengthBytes: response.status === 416 ? null : response.headers.get('content-length'),
    body: response.status === 416 ? null : body.toString('base64'),
  };
}

it('there are 31 shapes of a range', () => {
  expect(new Set(RANGES).size).toBe(31);
});

it.each(RANGES)('%s is answered as by nginx, to GET and to HEAD', async (range) => {
  const [ours, theirs] = [await ask('ours', { range }), await ask('nginx', { range })];
  expect(ours).toEqual(theirs);
  expect(await ask('ours', { range }, 'HEAD')).toEqual(await ask('nginx', { range }, 'HEAD'));
});

it('If-Range holds for the ETag of the same answer, and for no other and no other date', async () => {
  const etags = {
    ours: (await downloader.fetch('/files/0', { method: 'HEAD' })).headers.get('etag') as string,
    nginx: (await fetch(`${nginx.baseUrl}/${film.torrent.name}`, { method: 'HEAD' })).headers.get('etag') as string,
  };
  for (const ifRangeOf of [
    (etag: string) => etag,
    (etag: string) => `W/${etag}`,
    () => '"other"',
    () => 'Sat, 21 Nov 2020 12:00:00 GMT',
  ]) {
    const ours = await ask('ours', { range: 'bytes=10-19', 'if-range': ifRangeOf(etags.ours) });
    const theirs = await ask('nginx', { range: 'bytes=10-19', 'if-range': ifRangeOf(etags.nginx) });
    expect(ours).toEqual(theirs);
  }
});

it.each(['bytes=0-1,3-4', 'bytes=0-1,9999999-', 'bytes=-5,0-5'])('of several ranges, %s, the whole is right', async (range) => {
  const answer = await ask('ours', { range });
  expect([answer.status, answer.contentRange]).toEqual([200, null]);
  expect(answer.body === film.bytes.toString('base64')).toBe(true);
});
