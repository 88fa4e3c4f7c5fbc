import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@lodestream/service-kit';
import { InfoHash } from '@lodestream/shared';
import { makeTempDir, waitFor } from '@lodestream/testing';
import { describe, expect, it } from 'vitest';
import { createConfigMapList } from '../src/denylist/config-map-list.ts';
import { createDenylist, type Denylist } from '../src/denylist/denylist.ts';
import { MAX_LIST_BYTES } from '../src/denylist/denylist-text.ts';
import { createFileList } from '../src/denylist/file-list.ts';
import type { ListSource } from '../src/denylist/list-source.ts';
import { rememberList } from '../src/denylist/remember-list.ts';
import { createUrlList } from '../src/denylist/url-list.ts';
import { createMemoryStore } from '../src/state/memory-store.ts';
import { startListServer, staticList } from './list-server.ts';

const logger = createLogger('test', 'fatal');
const TIMEOUT_MS = 8000;
const newHash = () => InfoHash.parse(randomBytes(20).toString('hex'));
const judge = (list: Denylist, infoHash: InfoHash) => list.judge({ infoHash, names: [] }).do;
const until = (what: string, holds: () => boolean) => waitFor(holds, { what, timeoutMs: TIMEOUT_MS });

async function open(...sources: ListSource[]): Promise<Denylist> {
  const list = createDenylist(sources, logger);
  await list.asked;
  return list;
}

describe('a list in a file', () => {
  it('is in force soon after it was written, replaced, or emptied', async () => {
    await using dir = await makeTempDir('denylist');
    const [path, other] = [join(dir.path, 'list.txt'), join(dir.path, 'other.txt')];
    const [first, second] = [newHash(), newHash()];
    await writeFile(path, first);
    using list = await open(createFileList(path));
    expect([judge(list, first), judge(list, second)]).toEqual(['deny', 'allow']);
    await writeFile(path, `${first}\n${second}\n`);
    await until('the second is denied', () => judge(list, second) === 'deny');
    // As editors and mounted volumes do it.
    await writeFile(other, second);
    await rename(other, path);
    await until('the first is allowed', () => judge(list, first) === 'allow');
    await writeFile(path, '');
    await until('the second is allowed', () => judge(list, second) === 'allow');
  });

  it.each([
    ['makes no sense', (path: string) => writeFile(path, '<html>')],
    ['is too large', (path: string) => writeFile(path, `#${'x'.repeat(MAX_LIST_BYTES)}`)],
    ['is gone', (path: string) => rm(path)],
  ])('stays in force as it was last understood while it %s', async (_name, spoil) => {
    await using dir = await makeTempDir('denylist');
    const path = join(dir.path, 'list.txt');
    const [first, second] = [newHash(), newHash()];
    await writeFile(path, first);
    using list = await open(createFileList(path));
    expect(list.states()).toEqual([{ source: 'file', entries: 1, isGood: true, secondsSinceGood: expect.any(Number) }]);
    await spoil(path);
    await until('the fault is seen', () => list.states()[0]?.isGood === false);
    expect(judge(list, first)).toBe('deny');
    expect(list.states()[0]?.entries).toBe(1);
    await writeFile(path, second);
    await until('it is read again', () => list.states()[0]?.isGood === true);
    expect([judge(list, first), judge(list, second)]).toEqual(['allow', 'deny']);
  });

  it('decides nothing before it was read for the first time', async () => {
    await using dir = await makeTempDir('denylist');
    const path = join(dir.path, 'list.txt');
    using list = await open(createFileList(path));
    const infoHash = newHash();
    expect(judge(list, infoHash)).toBe('wait');
    await writeFile(path, '# nothing yet');
    await until('it is read', () => judge(list, infoHash) === 'allow');
  });
});

describe('a list at an address', () => {
  const EVERY_MS = 100;

  it('is fetched again and again, whole only when it is another', async () => {
    const [first, second] = [newHash(), newHash()];
    await using server = await startListServer(staticList(first));
    using list = await open(createUrlList(server.url.replace('//', '//me:secret@'), EVERY_MS));
    expect(judge(list, first)).toBe('deny');
    await until('it is asked again', () => server.requests.length >= 3);
    expect(server.requests.map(({ status }) => status).slice(0, 3)).toEqual([200, 304, 304]);
    expect(new Set(server.requests.map(({ authorization }) => authorization))).toEqual(new Set([`Basic ${btoa('me:secret')}`]));
    server.answer = staticList(second);
    await until('the other is in force', () => judge(list, second) === 'deny');
    expect(judge(list, first)).toBe('allow');
  });

  it.each<[string, Parameters<typeof startListServer>[0]]>([
    ['leads elsewhere', (_request, response) => response.writeHead(302, { location: '/other' }).end()],
    ['answers with an error', (_request, response) => response.writeHead(500).end('a'.repeat(40))],
    ['has an error page for a list', (_request, response) => response.writeHead(200).end('<!doctype html>')],
    ['breaks off', (_request, response) => response.writeHead(200, { 'content-length': 99 }).write('x') && response.destroy()],
    ['is packed', (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')],
    ['never ends', (_request, response) => void response.writeHead(200).write(`#${'x'.repeat(MAX_LIST_BYTES + 1)}`)],
    ['refuses to be asked', (request) => request.destroy()],
  ])('stays in force while it %s', async (_name, answer) => {
    const infoHash = newHash();
    await using server = await startListServer(staticList(infoHash));
    using list = await open(createUrlList(server.url, EVERY_MS));
    server.answer = answer;
    await until('the fault is seen', () => list.states()[0]?.isGood === false);
    expect(judge(list, infoHash)).toBe('deny');
    server.answer = staticList('# nothing');
    await until('it is read again', () => judge(list, infoHash) === 'allow');
  });

  it('is given up where it does not answer in time', async () => {
    await using server = await startListServer(() => {});
    const source = { ...createUrlList(server.url, EVERY_MS), withinMs: 200 };
    using list = await open(source);
    expect(judge(list, newHash())).toBe('wait');
    expect(list.states()[0]?.isGood).toBe(false);
  });

  it('is remembered in the store for a gateway that starts while it is down, and only what was understood', async () => {
    const infoHash = newHash();
    await using store = createMemoryStore();
    await using server = await startListServer(staticList(infoHash));
    const source = () => rememberList(createUrlList(server.url, EVERY_MS), server.url, store);
    {
      using list = await open(source());
      expect(judge(list, infoHash)).toBe('deny');
      server.answer = (_request, response) => response.writeHead(200).end('<html>');
      await until('the fault is seen', () => list.states()[0]?.isGood === false);
    }
    server.answer = (_request, response) => response.writeHead(503).end();
    using later = await open(source());
    expect([judge(later, infoHash), judge(later, newHash())]).toEqual(['deny', 'allow']);
    server.answer = staticList('# nothing');
    await until('the present one is in force', () => judge(later, infoHash) === 'allow');
  });

  it('is remembered for as long as it is the present one, however long ago it changed', async () => {
    await using store = createMemoryStore();
    await using server = await startListServer(staticList(newHash()));
    const sets: string[] = [];
    const watched = {
      ...store,
      set: async (...[key, ...rest]: Parameters<typeof store.set>) => void sets.push(key, String(rest[1])),
    };
    using _list = await open(rememberList(createUrlList(server.url, EVERY_MS), server.url, watched, EVERY_MS / 2));
    await until('it was asked for, and kept, three times', () => sets.length >= 6);
    expect(server.requests.map(({ status }) => status).slice(0, 3)).toEqual([200, 304, 304]);
    expect(new Set(sets).size).toBe(2);
  });

  it('is not there when what the store holds is damaged', async () => {
    await using store = createMemoryStore();
    await using server = await startListServer((_request, response) => response.writeHead(503).end());
    const damaged = { ...store, get: async () => '{"text":' };
    const source = rememberList(createUrlList(server.url, EVERY_MS), server.url, damaged);
    await expect(source.read(undefined, AbortSignal.timeout(TIMEOUT_MS))).rejects.toThrow('503');
  });
});

describe('a list in a ConfigMap', () => {
  it('is another when its version is, and a fault without its key', async () => {
    const infoHash = newHash();
    let map = { version: 'u/1', data: { 'denylist.txt': infoHash } as Record<string, string> };
    const source = { ...createConfigMapList(async () => map), everyMs: 20 };
    using list = await open(source);
    expect(judge(list, infoHash)).toBe('deny');
    map = { version: 'u/2', data: { other: '' } };
    await until('the fault is seen', () => list.states()[0]?.isGood === false);
    expect(judge(list, infoHash)).toBe('deny');
    map = { version: 'u/3', data: { 'denylist.txt': '# nothing' } };
    await until('it is read again', () => judge(list, infoHash) === 'allow');
  });
});

describe('several lists', () => {
  it('are in force together, and each by itself', async () => {
    await using dir = await makeTempDir('denylist');
    const [first, second] = [newHash(), newHash()];
    const [one, other] = [join(dir.path, 'one'), join(dir.path, 'other')];
    await writeFile(one, `# ours\n${first} # case 1`);
    using list = await open(createFileList(one), createFileList(other));
    expect([judge(list, first), judge(list, second)]).toEqual(['deny', 'wait']);
    await writeFile(other, second);
    await until('the other is read', () => judge(list, second) === 'deny');
    expect(judge(list, newHash())).toBe('allow');
    expect(list.judge({ infoHash: first, names: [] })).toMatchObject({ source: 'file', entry: { line: 2, note: 'case 1' } });
  });

  it('are none where none was named: everything is allowed', async () => {
    using list = await open();
    expect(judge(list, newHash())).toBe('allow');
  });
});
