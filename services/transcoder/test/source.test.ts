import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIdleClock } from '@lodestream/service-kit/idle-clock';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRun } from '../src/run/run.ts';
import { openSourceProxy } from '../src/source/source-proxy.ts';
import { openSource } from '../src/source/source-reader.ts';
import { lengthOf, openClipFolder } from './support/clips.ts';
import { startRangeServer } from './support/range-server.ts';
import { execute, runSpec, videoRendition, waitUntil } from './support/runs.ts';

const folder = openClipFolder();
const rendition = videoRendition({ num: 25, den: 1 }, 800);
let film: string;
beforeAll(async () => {
  film = await folder.make('film', {
    rate: '25',
    seconds: 32,
    size: '320x180',
    video: ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '12', '-g', '50'],
  });
});
afterAll(() => folder[Symbol.dispose]());

const held = { urgency: 'held', seconds: 0 } as const;

test('a downloader that cuts every answer is not noticed', async () => {
  await using server = await startRangeServer(film);
  server.trouble.cutAfterBytes = 300_000;
  const made = await execute(runSpec({ file: film, url: server.url, rendition }));
  expect(made.status).toMatchObject({ outcome: 'finished', nextSegment: 3 });
  expect(server.requests.length).toBeGreaterThan(5);
});

test('a downloader that is away for a while is waited for', async () => {
  await using server = await startRangeServer(film);
  server.trouble.missingFrom = 500_000;
  const made = execute(runSpec({ file: film, url: server.url, rendition }));
  await waitUntil(() => server.bytesSent() >= 500_000);
  await server.stop();
  delete server.trouble.missingFrom;
  server.trouble.status = 503;
  await server.restart();
  await waitUntil(() => server.requests.length > 3);
  delete server.trouble.status;
  expect((await made).status).toMatchObject({ outcome: 'finished', nextSegment: 3 });
});

test('a source that has become another file breaks the run: what was finished stays, what was not is gone', async () => {
  await using server = await startRangeServer(film);
  const directory = join(await mkdtemp(join(tmpdir(), 'lodestream-run-')), 'work');
  // Enough bytes for the first segment and the start of the second.
  server.trouble.missingFrom = Math.floor(lengthOf(film) * 0.5);
  const run = await startRun(runSpec({ file: film, url: server.url, rendition }), { directory, clock: createIdleClock() });
  try {
    const signal = AbortSignal.timeout(30_000);
    await run.segments.firstPart(1, signal);
    const reading = (async () => {
      for await (const _ of run.segments.read(1, signal));
    })();
    const broken = expect(reading).rejects.toThrow('another file');
    server.trouble.etag = '"two"';
    await server.stop();
    await server.restart();
    await broken;
    await waitUntil(() => run.status().phase === 'ended');
    expect(run.status()).toMatchObject({ outcome: 'broken', heldSegments: [0], ffmpegPid: null });
    expect(run.segments.stateOf(1)).toBe('expected');
    await expect(run.segments.firstPart(1, signal)).rejects.toThrow('another file');
    const bytes: Buffer[] = [];
    for await (const part of run.segments.read(0, signal)) bytes.push(part);
    expect(bytes.length).toBe(rendition.timeline.partsPerSegment);
  } finally {
    await run.leave();
    await rm(join(directory, '..'), { recursive: true, force: true });
  }
});

test('a source that is shorter than it says is broken, never a shorter film', async () => {
  await using server = await startRangeServer(film);
  const spec = runSpec({ file: film, url: server.url, rendition });
  await expect(execute({ ...spec, lengthBytes: spec.lengthBytes + 1 })).rejects.toThrow(/another range|shorter/);
});

test('reads say who waits, and are asked again when that changes while they wait', async () => {
  await using server = await startRangeServer(film);
  server.trouble.missingFrom = 0;
  const source = openSource({ url: server.url, token: 'token' }, lengthOf(film), { urgency: 'held', seconds: 12.5 });
  const stop = new AbortController();
  const first = source.read(0, 100, stop.signal).next();
  await waitUntil(() => server.requests.length === 1);
  source.setWant({ urgency: 'ahead', seconds: 20 });
  await waitUntil(() => server.requests.length === 2);
  expect(server.requests.map(({ want }) => want)).toEqual(['held; seconds=12.5', 'ahead; seconds=20']);
  expect(server.requests[0]).toMatchObject({ range: 'bytes=0-99', authorization: 'Bearer token' });
  delete server.trouble.missingFrom;
  expect((await first).value?.length).toBeGreaterThan(0);
  stop.abort();
  source.close();
});

test('while nobody wants the bytes no connection is held, and reading goes on at the next byte', async () => {
  await using server = await startRangeServer(film);
  const source = openSource({ url: server.url, token: 'token' }, lengthOf(film), held);
  // The server has no more than the half, so the answer stays open until it is given up.
  server.trouble.missingFrom = lengthOf(film) >> 1;
  const reading = source.read(0, lengthOf(film), AbortSignal.timeout(20_000));
  const chunks = [(await reading.next()).value as Buffer];
  expect(server.openResponses()).toBe(1);
  source.setWant(null);
  await waitUntil(() => server.openResponses() === 0);
  delete server.trouble.missingFrom;
  const next = reading.next();
  expect(source.isWaiting()).toBe(false);
  expect(server.requests.length).toBe(1);
  source.setWant({ urgency: 'held', seconds: 3 });
  chunks.push((await next).value as Buffer);
  for await (const chunk of reading) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(await readFile(film))).toBe(true);
  expect(server.requests[1]).toMatchObject({
    range: `bytes=${chunks[0]?.length}-${lengthOf(film) - 1}`,
    want: 'held; seconds=3',
  });
  source.close();
});

test('a downloader that moved is followed at once', async () => {
  await using here = await startRangeServer(film);
  await using there = await startRangeServer(film);
  here.trouble.missingFrom = 0;
  const source = openSource({ url: here.url, token: 'old' }, lengthOf(film), held);
  const first = source.read(0, 100, AbortSignal.timeout(10_000)).next();
  await waitUntil(() => here.requests.length === 1);
  source.moveTo({ url: there.url, token: 'new' });
  expect((await first).value?.length).toBe(100);
  expect(there.requests[0]?.authorization).toBe('Bearer new');
  source.close();
});

test('what ffmpeg does not read is not read from the downloader either', async () => {
  const large = join(folder.path, 'large');
  await writeFile(large, '');
  await truncate(large, 512 * 1024 ** 2);
  await using server = await startRangeServer(large);
  const source = openSource({ url: server.url, token: 'token' }, lengthOf(large), held);
  const proxy = await openSourceProxy(source, lengthOf(large), () => {});
  const stop = new AbortController();
  const response = await fetch(proxy.url, { signal: stop.signal });
  const reader = response.body?.getReader();
  await reader?.read();
  // Socket buffers fill up and then nothing moves any more.
  let before = -1;
  await waitUntil(async () => {
    const same = before === server.bytesSent();
    before = server.bytesSent();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return same && before === server.bytesSent();
  });
  expect(before).toBeLessThan(24 * 1024 ** 2);
  stop.abort();
  proxy.close();
  source.close();
});

test('the proxy answers one path, ranges inside of the file, and nothing else', async () => {
  await using server = await startRangeServer(film);
  const lengthBytes = lengthOf(film);
  const source = openSource({ url: server.url, token: 'token' }, lengthBytes, held);
  const proxy = await openSourceProxy(source, lengthBytes, () => {});
  const ask = (range?: string, url = proxy.url) => fetch(url, range ? { headers: { range } } : {});
  expect((await ask(undefined, new URL('/', proxy.url).href)).status).toBe(404);
  expect((await ask(`bytes=${lengthBytes}-`)).status).toBe(416);
  const part = await ask('bytes=10-19');
  expect([part.status, part.headers.get('content-range'), (await part.arrayBuffer()).byteLength]).toEqual([
    206,
    `bytes 10-19/${lengthBytes}`,
    10,
  ]);
  const whole = await ask();
  expect([whole.status, (await whole.arrayBuffer()).byteLength]).toEqual([200, lengthBytes]);
  proxy.close();
  source.close();
});
