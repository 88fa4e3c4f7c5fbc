import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { RunOrders, RunSpec } from '@lodestream/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClipFolder } from './support/clips.ts';
import { type RangeServer, startRangeServer } from './support/range-server.ts';
import { audioRendition, runSpec, videoRendition, waitUntil } from './support/runs.ts';
import { startWorker, type TestWorker } from './support/worker.ts';

const folder = openClipFolder();
const SECONDS = 160;
const rendition = videoRendition({ num: 25, den: 1 }, SECONDS * 25);
let film: string;
let server: RangeServer;
beforeAll(async () => {
  film = await folder.make('film', { rate: '25', seconds: SECONDS, size: '96x54', audio: [['-c', 'aac']] });
  server = await startRangeServer(film);
});
afterAll(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});

const spec = (more: Partial<RunSpec> = {}): RunSpec => ({ ...runSpec({ file: film, url: server.url, rendition }), ...more });
const orders = (more: Partial<RunOrders> = {}): RunOrders => ({
  from: 'the gateway of the test',
  until: null,
  demand: 0,
  hasSlot: true,
  heldSeconds: null,
  touch: [],
  source: { url: server.url, token: 'token' },
  ...more,
});

/** State of a process (proc(5)): `T` is stopped, `Z` a zombie; undefined when there is none. */
function processState(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2)[0];
  } catch {
    return undefined;
  }
}
const isGone = (pid: number) => ['Z', undefined].includes(processState(pid));

async function pidOf(worker: TestWorker): Promise<number> {
  return (await worker.status()).ffmpegPid as number;
}

test('a run falls asleep by its lead, wakes by demand, and is the same process', async () => {
  await using worker = await startWorker(spec());
  await waitUntil(async () => (await worker.status()).phase === 'asleep');
  const asleep = await worker.status();
  expect(asleep.nextSegment).toBeGreaterThanOrEqual(9);
  expect(asleep.nextSegment).toBeLessThanOrEqual(10);
  const pid = asleep.ffmpegPid as number;
  expect(processState(pid)).toBe('T');
  expect((await worker.orders(orders({ demand: 3 }))).phase).toBe('asleep');
  expect((await worker.orders(orders({ demand: 6 }))).phase).toBe('running');
  expect(processState(pid)).not.toBe('T');
  await waitUntil(async () => (await worker.status()).nextSegment > asleep.nextSegment);
  expect(await pidOf(worker)).toBe(pid);
});

test('without a slot it sleeps at once, and a request alone does not wake it', async () => {
  await using worker = await startWorker(spec());
  expect((await worker.orders(orders({ hasSlot: false }))).phase).toBe('asleep');
  const pid = await pidOf(worker);
  expect(processState(pid)).toBe('T');
  const waiting = worker.get('/segments/14');
  expect((await worker.status()).phase).toBe('asleep');
  await worker.orders(orders({ demand: 14 }));
  expect(processState(pid)).not.toBe('T');
  expect((await waiting).status).toBe(200);
});

test('an audio run leads by two segments at most', async () => {
  await using worker = await startWorker(spec({ rendition: audioRendition(SECONDS, 1) }));
  await waitUntil(async () => (await worker.status()).phase === 'asleep');
  expect((await worker.status()).nextSegment).toBeLessThanOrEqual(4);
});

test('it ends where another run begins, and serves what it has', async () => {
  await using worker = await startWorker(spec());
  await worker.orders(orders({ until: 2 }));
  await waitUntil(async () => (await worker.status()).phase === 'ended');
  expect(await worker.status()).toMatchObject({
    outcome: 'reached-until',
    until: 2,
    nextSegment: 2,
    heldSegments: [0, 1],
    ffmpegPid: null,
  });
  expect((await worker.get('/segments/2')).status).toBe(404);
  const whole = await worker.get('/segments/1');
  expect(whole.headers.get('x-lodestream-complete')).toBe('1');
  expect((await whole.arrayBuffer()).byteLength).toBe(Number(whole.headers.get('content-length')));
});

test('a segment is streamed part by part while it is made, and an abort harms nobody', async () => {
  await using worker = await startWorker(spec({ startSegment: 1 }));
  const controller = new AbortController();
  const aborted = await worker.get('/segments/1', controller.signal);
  await aborted.body?.getReader().read();
  controller.abort();
  const streamed = await worker.get('/segments/1');
  expect(streamed.status).toBe(200);
  const body = Buffer.from(await streamed.arrayBuffer());
  const again = await worker.get('/segments/1');
  expect(Buffer.from(await again.arrayBuffer()).equals(body)).toBe(true);
  expect(streamed.headers.get('content-type')).toBe('video/mp4');
  expect((await worker.get('/segments/0')).status).toBe(404);
  const init = Buffer.from(await (await worker.get('/init')).arrayBuffer());
  const frames = execFileSync(
    'ffprobe',
    ['-v', 'error', '-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0', 'pipe:0'],
    {
      input: Buffer.concat([init, body]),
    },
  );
  expect(Number(frames)).toBe(rendition.timeline.framesPerSegment);
});

test('finished segments expire one by one, and the worker with the last access', async () => {
  await using worker = await startWorker(spec({ ttlSeconds: 4, until: 3 }));
  await waitUntil(async () => (await worker.orders(orders({ until: 3, touch: [0, 1, 2] }))).heldSegments.length === 3);
  await waitUntil(async () => {
    const { heldSegments } = await worker.orders(orders({ until: 3, touch: [1] }));
    return heldSegments.length === 1 && heldSegments[0] === 1;
  });
  expect((await worker.get('/segments/0')).status).toBe(404);
  const exited = new Promise((resolve) => worker.child.once('exit', resolve));
  expect(await exited).toBe(0);
  expect(existsSync(worker.directory)).toBe(false);
});

test.each(['running', 'asleep'])('a killed worker takes its %s ffmpeg with it', async (phase) => {
  await using worker = await startWorker(spec());
  if (phase === 'asleep') await worker.orders(orders({ hasSlot: false }));
  const pid = await pidOf(worker);
  expect(isGone(pid)).toBe(false);
  worker.child.kill('SIGKILL');
  await waitUntil(() => isGone(pid), 5000);
});

test('a broken stream ends with a destroyed socket, and before the first byte with a problem', async () => {
  await using troubled = await startRangeServer(film);
  troubled.trouble.missingFrom = 0;
  await using worker = await startWorker(spec({ source: { url: troubled.url, token: 'token' } }));
  const waiting = worker.get('/segments/0');
  process.kill(await pidOf(worker), 'SIGKILL');
  const answer = await waiting;
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: 'workload-failed' });

  await using second = await startWorker(spec());
  await second.orders(orders({ demand: 15 }));
  const streaming = await second.get('/segments/0');
  process.kill(await pidOf(second), 'SIGKILL');
  await waitUntil(async () => (await second.status()).phase === 'ended');
  const status = await second.status();
  expect(status).toMatchObject({ phase: 'ended', outcome: 'broken' });
  if (!status.heldSegments.includes(0)) await expect(streaming.arrayBuffer()).rejects.toThrow();
  expect(readdirSync(second.directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('nothing is answered without the token, and orders that make no sense are refused', async () => {
  await using worker = await startWorker(spec());
  const { url } = await worker.get('/status');
  expect((await fetch(url)).status).toBe(404);
  expect(await worker.orders({ demand: -1 } as RunOrders)).toMatchObject({ code: 'invalid-request' });
});
