import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apiPaths, Problem, type Torrent } from '@lodestream/shared';
import { makeTempDir, type TestTorrent, waitFor } from '@lodestream/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFileList } from '../src/denylist/file-list.ts';
import { openTestApp, type TestApp } from './open-test-app.ts';
import { type SeededBytes, seedBytes } from './seed-bytes.ts';
import { readRest, readSlowly } from './slow-reader.ts';

/** What a viewer's operator may expect: seen within a second, gone with the next breath. */
const GONE_MS = 10_000;
const READY_MS = 30_000;

let dir: Awaited<ReturnType<typeof makeTempDir>>;
let listPath: string;
let one: TestApp;
let base: string;
beforeAll(async () => {
  dir = await makeTempDir('denylist');
  listPath = join(dir.path, 'list.txt');
  await writeFile(listPath, '');
  one = await openTestApp({ denylist: [createFileList(listPath)], holdMs: 25_000 });
  base = await one.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});
beforeEach(() => deny(''));

const newHash = () => randomBytes(20).toString('hex');
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const workloads = () => one.deps.orchestrator.list();
const counts = () => ({ ...one.deps.guard.counts() });

/** Writes the list, and waits until it is in force: a hash that is in it and nowhere else is denied. */
async function deny(...lines: string[]): Promise<void> {
  const mark = newHash();
  await writeFile(listPath, [mark, ...lines].join('\n'));
  await waitFor(async () => (await fetch(base + apiPaths.torrent(mark))).status === 451, {
    what: 'the list is in force',
    timeoutMs: GONE_MS,
    intervalMs: 20,
  });
}

const post = (body: object | Buffer, contentType = 'application/json') =>
  fetch(base + apiPaths.torrents(), {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body),
  });

async function expectDenied(response: Response): Promise<void> {
  const problem = Problem.parse(await response.json());
  expect({ status: response.status, code: problem.code }).toEqual({ status: 451, code: 'denied' });
  expect(response.headers.get('cache-control')).toBe('no-store');
}

describe('what is on the list', () => {
  const infoHash = 'c9e15763f722f23e98a29decdfae341b98d53056';
  const infoHashV2 = 'ab'.repeat(32);
  const info = Buffer.from(`d6:lengthi5e4:name6:A Film12:piece lengthi16384e6:pieces20:${'x'.repeat(20)}e`);
  const metainfo = Buffer.concat([Buffer.from('d4:info'), info, Buffer.from('e')]);
  const metainfoHash = createHash('sha1').update(info).digest('hex');

  it.each([
    ['its hash', infoHash, { infoHash }],
    ['its hash in base32', infoHash, { infoHash: 'ZHQVOY7XELZD5GFCTXWN7LRUDOMNKMCW' }],
    ['a magnet', sha256(infoHash), { magnet: `magnet:?xt=urn:btih:${infoHash.toUpperCase()}` }],
    ['a magnet with its v2 hash', infoHashV2, { magnet: `magnet:?xt=urn:btmh:1220${infoHashV2}&xt=urn:btih:${infoHash}` }],
    ['a magnet with its name', 'name: *a film*', { magnet: `magnet:?xt=urn:btih:${infoHash}&dn=See+A.Film.mkv` }],
    ['a .torrent', metainfoHash, metainfo],
    ['a .torrent by its name', 'name: a film', metainfo],
  ])('does not come in by %s', async (_name, entry, body) => {
    await deny(entry);
    const before = counts();
    const response = await (Buffer.isBuffer(body) ? post(body, 'application/x-bittorrent') : post(body));
    await expectDenied(response);
    expect(workloads()).toEqual([]);
    expect(counts().refused).toBe(before.refused + 1);
  });

  it('does not come in as a form', async () => {
    await deny(metainfoHash);
    const form = new FormData();
    form.append('torrent', new Blob([metainfo]), 'a.torrent');
    await expectDenied(await fetch(base + apiPaths.torrents(), { method: 'POST', body: form }));
  });

  it('is refused at every address, whatever is asked of it', async () => {
    await deny(infoHash);
    for (const path of [
      apiPaths.torrent(infoHash),
      apiPaths.torrent(infoHash.toUpperCase()),
      apiPaths.events(infoHash),
      apiPaths.content(infoHash, 0),
      apiPaths.media(infoHash, 0),
      apiPaths.multivariantPlaylist(infoHash, 0),
      `${apiPaths.torrent(infoHash)}/files/0/hls/v720-00000000/index.m3u8`,
      `${apiPaths.torrent(infoHash)}/files/0/hls/v720-00000000/init.mp4`,
      `${apiPaths.torrent(infoHash)}/files/0/hls/v720-00000000/0.m4s`,
    ])
      await expectDenied(await fetch(base + path));
  });

  it('comes in again when it is taken off the list', async () => {
    await deny(infoHash);
    await expectDenied(await post({ infoHash }));
    await deny();
    expect((await post({ infoHash })).status).toBe(201);
    await deny(infoHash);
    await waitFor(() => workloads().length === 0, { what: 'it is gone', timeoutMs: GONE_MS });
  });
});

describe('a torrent that is open', () => {
  let film: SeededBytes;
  beforeAll(async () => {
    film = await seedBytes('A.Film.of.7.Seconds.bin', '127.9.43.1');
  });
  afterAll(() => film[Symbol.asyncDispose]());

  async function openFilm(): Promise<TestTorrent> {
    expect((await post({ magnet: film.magnet })).status).toBe(201);
    await waitFor(async () => (await state(film.torrent.infoHash)).status === 'ready', { what: 'it opens', timeoutMs: READY_MS });
    return film.torrent;
  }

  it('is gone with all that is being done for it, also when it is listed by the digest of its hash', async () => {
    const { infoHash } = await openFilm();
    const body = await readSlowly(base + apiPaths.content(infoHash, 0));
    const events = await fetch(base + apiPaths.events(infoHash));
    const eventsEnded = events.text().then(
      () => 'ended',
      () => 'cut',
    );
    const held = fetch(base + apiPaths.multivariantPlaylist(infoHash, 0));
    await one.store.set(`swarm:metadata:${infoHash}`, 'kept', 60);
    await one.store.set(`media/v1/${infoHash}/0`, '{}', 60);
    const before = counts();

    await deny(`${sha256(infoHash)} # case 7`);
    await waitFor(() => workloads().length === 0, { what: 'its workloads are gone', timeoutMs: GONE_MS });
    expect((await readRest(body)).length).toBeLessThan(film.bytes.length);
    expect(body.complete).toBe(false);
    expect(await eventsEnded).toBe('cut');
    // Nothing can play it; whoever was told so before was told the truth.
    expect([422, 451]).toContain((await held).status);
    await expectDenied(await fetch(base + apiPaths.content(infoHash, 0)));
    await expectDenied(await post({ magnet: film.magnet }));
    expect(counts().purged).toBe(before.purged + 1);
    const kept = [`swarm:metadata:${infoHash}`, `media/v1/${infoHash}/0`].map((key) => one.store.get(key));
    expect(await Promise.all(kept)).toEqual([undefined, undefined]);
  });

  it('is gone when a name of its files is listed, and does not come in again by its hash alone', async () => {
    const { infoHash } = await openFilm();
    await deny('name: a film of * seconds*');
    await waitFor(() => workloads().length === 0, { what: 'it is gone', timeoutMs: GONE_MS });
    await expectDenied(await post({ infoHash }));
    await expectDenied(await fetch(base + apiPaths.torrent(infoHash)));
  });

  it('is gone when what its peers say of it is on the list', async () => {
    const { infoHash } = film.torrent;
    await deny('name: a film of * seconds*');
    // The verdict on it was another list's: nothing but its hash is known at the door.
    const peer = film.magnet
      .split('&')
      .filter((part) => !part.startsWith('dn='))
      .join('&');
    await post({ magnet: peer });
    await waitFor(async () => (await fetch(base + apiPaths.torrent(infoHash))).status === 451, {
      what: 'its metadata has denied it',
      timeoutMs: READY_MS,
    });
    await waitFor(() => workloads().length === 0, { what: 'it is gone', timeoutMs: GONE_MS });
  });

  it('that waits for its metadata tells whoever waits with it', async () => {
    const infoHash = newHash();
    await post({ infoHash });
    const held = fetch(base + apiPaths.content(infoHash, 0));
    await waitFor(() => one.deps.guard.signal(infoHash as never) !== undefined, { what: 'it is held', timeoutMs: GONE_MS });
    await deny(infoHash);
    await expectDenied(await held);
    await waitFor(() => workloads().length === 0, { what: 'it is gone', timeoutMs: GONE_MS });
  });
});

it('nothing is let in, and nothing is served, before the list was read for the first time', async () => {
  await using place = await makeTempDir('denylist');
  const path = join(place.path, 'not-there.txt');
  await using early = await openTestApp({ denylist: [createFileList(path)] });
  const ask = (method: 'GET' | 'POST', url: string) =>
    early.app.inject({ method, url, headers: { host: '127.0.0.1' }, ...(method === 'POST' ? { payload: { infoHash } } : {}) });
  const infoHash = newHash();
  for (const answer of [await ask('POST', apiPaths.torrents()), await ask('GET', apiPaths.torrent(infoHash))]) {
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'not-ready']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  await writeFile(path, '# nothing');
  await waitFor(async () => (await ask('POST', apiPaths.torrents())).statusCode === 201, {
    what: 'it comes in',
    timeoutMs: GONE_MS,
  });
});

async function state(infoHash: string): Promise<Torrent> {
  return (await (await fetch(base + apiPaths.torrent(infoHash))).json()) as Torrent;
}
