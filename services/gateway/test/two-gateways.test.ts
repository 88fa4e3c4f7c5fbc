import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@lodestream/service-kit';
import { apiPaths, type InfoHash } from '@lodestream/shared';
import {
  buildMagnet,
  createTorrent,
  fetchBytes,
  type MediaPlaylist,
  makeClip,
  makeTempDir,
  pickFreePort,
  readMediaPlaylist,
  readMultivariantPlaylist,
  startLibtorrentSeeder,
  waitFor,
} from '@lodestream/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileList } from '../src/denylist/file-list.ts';
import { createDrain } from '../src/drain.ts';
import { createMetrics } from '../src/metrics.ts';
import { buildInternalApp } from '../src/routes/internal.ts';
import { createRedisStore } from '../src/state/redis-store.ts';
import type { Workload } from '../src/workloads/workload.ts';
import { openTestApp, openTestOrchestrator, type TestApp } from './open-test-app.ts';
import { seedBytes } from './seed-bytes.ts';
import { readRest, readSlowly } from './slow-reader.ts';
import { startRedis } from './start-redis.ts';

const FILM_SECONDS = 45;
const READY_MS = 60_000;
const GONE_MS = 10_000;
const HEARD_MS = 300;
const ADDRESS = '127.9.44.1';

/** Gateways over one platform and one Redis, as replicas behind a service are; workloads are real processes. */
type Place = Awaited<ReturnType<typeof openPlace>>;
async function openPlace() {
  const dir = await makeTempDir('replicas');
  const listPath = join(dir.path, 'list.txt');
  await writeFile(listPath, '# nothing');
  const redis = await startRedis();
  const internalPort = await pickFreePort();
  const orchestrator = openTestOrchestrator(dir.path, internalPort);
  const metrics = createMetrics({ workloads: () => [], runs: () => ({ asleep: 0, awake: 0 }), cacheBytes: () => 0 });
  const internal = buildInternalApp(orchestrator, metrics, createLogger('test', 'fatal'));
  await internal.listen({ host: '127.0.0.1', port: internalPort });
  /** Every workload that ever was, once. */
  const seen = new Map<string, Workload>();
  orchestrator.watch((workload) => seen.set(workload.uid, workload));
  const gateways: TestApp[] = [];
  return {
    orchestrator,
    redis,
    listPath,
    started: (kind: Workload['spec']['kind']) => [...seen.values()].filter(({ spec }) => spec.kind === kind),
    async open(drainSeconds = 30) {
      const drain = createDrain(drainSeconds, HEARD_MS);
      const store = createRedisStore(redis.url, createLogger('test', 'fatal'));
      const gateway = await openTestApp({
        drain,
        holdMs: 25_000,
        shared: { orchestrator, store },
        denylist: [createFileList(listPath)],
      });
      gateways.push(gateway);
      const base = await gateway.app.listen({ host: '127.0.0.1', port: 0 });
      return {
        ...gateway,
        base,
        /** SIGTERM, as a rollout sends it. */
        async leave() {
          await drain.run(gateway.app.server);
          gateways.splice(gateways.indexOf(gateway), 1);
          await gateway[Symbol.asyncDispose]();
          await store[Symbol.asyncDispose]();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const gateway of gateways) {
        await gateway[Symbol.asyncDispose]();
        await gateway.store[Symbol.asyncDispose]();
      }
      await orchestrator[Symbol.asyncDispose]();
      await internal.close();
      await redis[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

async function seedFilm() {
  const clip = await makeClip({ width: 320, height: 180, keyframeSeconds: 1, name: 'film', durationSeconds: FILM_SECONDS });
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name, pieceLengthBytes: 32 * 1024 });
  const seeder = await startLibtorrentSeeder({ torrent, dir: clip.dir, address: ADDRESS });
  return {
    infoHash: torrent.infoHash as InfoHash,
    magnet: buildMagnet(torrent, [seeder]),
    [Symbol.asyncDispose]: () => seeder[Symbol.asyncDispose](),
  };
}
type Film = Awaited<ReturnType<typeof seedFilm>>;

const post = (base: string, magnet: string) =>
  fetch(base + apiPaths.torrents(), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ magnet }),
  });

/** The picture and the sound of the film, by the paths that every gateway has. */
async function openFilm(base: string, { infoHash, magnet }: Film): Promise<{ video: MediaPlaylist; audio: MediaPlaylist }> {
  expect([200, 201]).toContain((await post(base, magnet)).status);
  const { variants, audio } = await readMultivariantPlaylist(base + apiPaths.multivariantPlaylist(infoHash, 0));
  return { video: await readMediaPlaylist(variants[0]?.url ?? ''), audio: await readMediaPlaylist(audio[0]?.url ?? '') };
}
const pathsOf = ({ segments }: MediaPlaylist) => segments.map(({ url }) => new URL(url).pathname);

describe('two gateways', () => {
  let place: Place;
  let film: Film;
  beforeEach(async () => {
    [place, film] = [await openPlace(), await seedFilm()];
  });
  afterEach(async () => {
    await place[Symbol.asyncDispose]();
    await film[Symbol.asyncDispose]();
  });

  it('open a torrent once and probe it once, however many ask them at once', async () => {
    const [a, b] = [await place.open(), await place.open()];
    const bases = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? a.base : b.base));
    const statuses = await Promise.all(bases.map(async (base) => (await post(base, film.magnet)).status));
    expect(new Set(statuses)).toEqual(new Set([200, 201]));
    const answers = await Promise.all(
      bases.map(async (base) => {
        const answer = await fetch(base + apiPaths.media(film.infoHash, 0), { signal: AbortSignal.timeout(READY_MS) });
        return { status: answer.status, text: await answer.text() };
      }),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(place.started('downloader')).toHaveLength(1);
    expect(place.started('probe')).toHaveLength(1);
  });

  it('make every segment of a film once between them, when its requests come by one and the other in turn', async () => {
    const [a, b] = [await place.open(), await place.open()];
    const { video, audio } = await openFilm(a.base, film);
    for (const [n, path] of pathsOf(video).entries()) {
      const [here, there] = n % 2 === 0 ? [a, b] : [b, a];
      const sound = pathsOf(audio)[n] ?? '';
      const [picture] = await Promise.all([fetchBytes(here.base + path), fetchBytes(there.base + sound)]);
      expect((await fetchBytes(there.base + path)).equals(picture)).toBe(true);
    }
    // Each has its run, and one for its last segment.
    expect(
      place
        .started('run')
        .map(({ name }) => name)
        .sort(),
    ).toHaveLength(4);
  });

  it('know of each other’s runs what a viewer waits for', async () => {
    const [a, b] = [await place.open(), await place.open()];
    const { video } = await openFilm(a.base, film);
    const asked = fetchBytes(a.base + (pathsOf(video)[2] ?? ''));
    await waitFor(async () => (await b.deps.viewers.event(film.infoHash, 0)).stage === 'encoding', {
      what: 'the other says so too',
      timeoutMs: READY_MS,
      intervalMs: 20,
    });
    await asked;
  });

  it('go one after the other, and no segment of a film fails', async () => {
    let serving = [await place.open(), await place.open()];
    const { video } = await openFilm(serving[0]?.base ?? '', film);
    const paths = pathsOf(video);
    const read: number[] = [];
    for (const [n, path] of paths.entries()) {
      // As a service does it: to one that is ready.
      const ready = await Promise.all(serving.map(async (one) => ((await fetch(`${one.base}/readyz`)).ok ? [one] : [])));
      const choices = ready.flat();
      const chosen = choices[n % choices.length];
      const asked = fetchBytes((chosen?.base ?? '') + path);
      const isLeaving = n === 1 || n === 2;
      if (isLeaving) serving = [...serving.filter((one) => one !== chosen), await place.open()];
      const [bytes] = await Promise.all([asked, isLeaving ? chosen?.leave() : undefined]);
      read.push(bytes.length);
    }
    expect(read).toHaveLength(paths.length);
    expect(Math.min(...read)).toBeGreaterThan(1000);
    expect(place.started('downloader')).toHaveLength(1);
    expect(place.started('run').filter(({ spec }) => spec.kind === 'run' && spec.rendition.kind === 'video')).toHaveLength(2);
  });

  it('let a long read go on at the other, by the range that it has not got', async () => {
    await using file = await seedBytes('long.bin', '127.9.44.2');
    const [a, b] = [await place.open(1), await place.open()];
    expect((await post(a.base, file.magnet)).status).toBe(201);
    const path = apiPaths.content(file.torrent.infoHash, 0);
    const first = await readSlowly(a.base + path);
    await a.leave();
    const begun = await readRest(first);
    expect([first.complete, begun.length < file.bytes.length]).toEqual([false, true]);
    const { etag = '' } = first.headers;
    const rest = await fetch(b.base + path, { headers: { range: `bytes=${begun.length}-`, 'if-range': etag } });
    expect(rest.status).toBe(206);
    const length = file.bytes.length;
    expect(rest.headers.get('content-range')).toBe(`bytes ${begun.length}-${length - 1}/${length}`);
    expect(Buffer.concat([begun, Buffer.from(await rest.arrayBuffer())]).equals(file.bytes)).toBe(true);
  });

  it('both end what comes onto the list, with what they have of it in memory', async () => {
    const [a, b] = [await place.open(), await place.open()];
    const { video } = await openFilm(a.base, film);
    const [path = ''] = pathsOf(video);
    for (const { base } of [a, b]) await fetchBytes(base + path);
    await writeFile(place.listPath, film.infoHash);
    for (const { base } of [a, b])
      await waitFor(async () => (await fetch(base + path)).status === 451, { what: 'it is denied', timeoutMs: GONE_MS });
    await waitFor(() => place.orchestrator.list().length === 0, { what: 'nothing of it runs', timeoutMs: GONE_MS });
    expect(await place.redis.command(`EXISTS lodestream:media/v1/${film.infoHash}/0`)).toBe(':0');
    await rm(place.listPath);
  });

  it('serve a film on when Redis is flushed, and when it is gone', async () => {
    const [a, b] = [await place.open(), await place.open()];
    const { video } = await openFilm(a.base, film);
    const paths = pathsOf(video);
    await fetchBytes(a.base + (paths[0] ?? ''));
    await place.redis.command('FLUSHALL');
    expect((await fetchBytes(b.base + (paths[1] ?? ''))).length).toBeGreaterThan(1000);
    await place.redis.kill();
    expect((await fetchBytes(a.base + (paths[2] ?? ''))).length).toBeGreaterThan(1000);
    expect((await fetchBytes(b.base + (paths[3] ?? ''))).length).toBeGreaterThan(1000);
    expect(place.started('downloader')).toHaveLength(1);
    expect(place.started('probe')).toHaveLength(1);
  });
});
