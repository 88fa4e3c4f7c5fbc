import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { apiPaths, Problem } from '@lodestream/shared';
import {
  buildMagnet,
  cpuMs,
  createTorrent,
  fetchBytes,
  makeTempDir,
  type ProcessInfo,
  readProcess,
  startGateway,
  startLibtorrentSeeder,
  type TestGateway,
  waitFor,
} from '@lodestream/testing';
import { expect, test } from 'vitest';
import { openFilm, postMagnet, seedSmallFilm } from './support/small-film.ts';
import { listEncoders, waitForNothingLeft } from './support/what-is-there.ts';

const MIB = 1024 * 1024;
/** Short enough to be waited for, longer than a busy machine needs between two requests of one client. */
const TTL_SECONDS = 10;
/** Invariant 7: a process may need so long after its last owner. */
const GONE_MS = TTL_SECONDS * 1000 + 30_000;
const SHORT_TTL = { LODESTREAM_CACHE_TTL_SECONDS: String(TTL_SECONDS) };
const START_MS = 45_000;
/** Architecture §7: every media-path request is held so long at most. */
const HOLD_SECONDS = 25;
/** A busy machine may be late; the held request itself must not have been answered early either. */
const HOLD_TOLERANCE_SECONDS = 5;
const STALL_BYTES = 48 * MIB;

test('an encode that nobody watches sleeps without using the CPU, and is gone after its time', async () => {
  await using film = await seedSmallFilm({ durationSeconds: 60 });
  await using gateway = await startGateway({ settings: { ...SHORT_TTL, LODESTREAM_SEGMENT_SECONDS: '2' } });
  const { video } = await openFilm(gateway, film);

  await fetchBytes(video.segments[0]?.url ?? '');
  const encoder = await waitFor(() => listEncoders(gateway, 'video').find((one) => one.state === 'T'), {
    what: 'the encode is asleep',
    timeoutMs: START_MS,
  });
  const first = cpuMs(encoder.pid);
  const spent = await watchUntilGone(encoder);

  expect(spent.length).toBeGreaterThan(2);
  expect(new Set(spent)).toEqual(new Set([first]));
  await waitForNothingLeft(gateway, GONE_MS);
});

test('a client that reads nothing keeps nothing alive', async () => {
  // More than all socket buffers of the way together can hold.
  await using dir = await makeTempDir('stall');
  await writeFile(join(dir.path, 'film.bin'), randomBytes(STALL_BYTES));
  const torrent = await createTorrent({ dir: dir.path, name: 'film.bin' });
  await using seeder = await startLibtorrentSeeder({ torrent, dir: dir.path, address: '127.0.0.1' });
  await using gateway = await startGateway({ settings: SHORT_TTL });
  expect(await postMagnet(gateway, buildMagnet(torrent, [seeder]))).toBe(201);

  const client = await openAndRead(gateway, apiPaths.content(torrent.infoHash, 0));
  try {
    await waitForNothingLeft(gateway, GONE_MS);
    // Its connection goes with what it was for.
    client.resume();
    await waitFor(() => client.closed, { what: 'the connection is closed', timeoutMs: START_MS });
    expect(client.bytesRead).toBeLessThan(STALL_BYTES);
  } finally {
    client.destroy();
  }
});

test('a request that cannot be answered is held for 25 s, and then told to come again and why', async () => {
  // So large that its middle is not here yet when its seeder goes.
  await using film = await seedSmallFilm({ durationSeconds: 150, extraArgs: ['-crf', '4'] });
  await using gateway = await startGateway();
  const nobody = 'f'.repeat(40);
  const { video } = await openFilm(gateway, film);
  await film.seeder.pause();
  expect(await postMagnet(gateway, `magnet:?xt=urn:btih:${nobody}`)).toBe(201);

  const held = await Promise.all([
    ask(gateway, apiPaths.multivariantPlaylist(nobody, 0)),
    ask(gateway, apiPaths.media(nobody, 0)),
    ask(gateway, apiPaths.content(nobody, 0)),
    ask(gateway, new URL(video.segments[8]?.url ?? '').pathname),
  ]);

  for (const { seconds, status, retryAfter } of held) {
    expect(status).toBe(503);
    expect(seconds).toBeGreaterThan(HOLD_SECONDS - 1);
    expect(seconds).toBeLessThan(HOLD_SECONDS + HOLD_TOLERANCE_SECONDS);
    expect(retryAfter).toBeGreaterThanOrEqual(1);
  }
  expect(held.map(({ problem }) => [problem.code, problem.stage])).toEqual([
    ['not-ready', 'finding-peers'],
    ['not-ready', 'finding-peers'],
    ['not-ready', 'finding-peers'],
    ['not-ready', 'encoding'],
  ]);
});

/** CPU time of a process, read again and again until it is gone. */
async function watchUntilGone({ pid, command }: ProcessInfo): Promise<number[]> {
  const spent: number[] = [];
  await waitFor(
    () => {
      if (readProcess(pid)?.command !== command) return true;
      spent.push(cpuMs(pid));
      return false;
    },
    { what: 'the process is gone', timeoutMs: GONE_MS, intervalMs: 100 },
  );
  return spent;
}

/** Asks for a path, takes the first bytes, and then no more. */
async function openAndRead(gateway: TestGateway, path: string): Promise<Socket> {
  const { hostname, port, host } = new URL(gateway.baseUrl);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  const head = await waitFor(() => socket.read() as Buffer | null, { what: 'the first bytes come', timeoutMs: START_MS });
  expect(head.toString('latin1')).toMatch(/^HTTP\/1\.1 200 /);
  return socket;
}

async function ask(gateway: TestGateway, path: string) {
  const startedAt = performance.now();
  const response = await fetch(`${gateway.baseUrl}${path}`);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    seconds,
    status: response.status,
    retryAfter: Number(response.headers.get('retry-after')),
    problem: Problem.parse(await response.json()),
  };
}
