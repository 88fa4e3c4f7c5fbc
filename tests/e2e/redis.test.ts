import {
  fetchBytes,
  judgeFrames,
  launchBrowser,
  makeTempDir,
  openWatchPage,
  pickFreePort,
  runProcess,
  startGateway,
  startProcess,
  waitFor,
} from '@lodestream/testing';
import { expect, test } from 'vitest';
import { openFilm, seedSmallFilm } from './support/small-film.ts';

const FILM_SECONDS = 25;
const START_MS = 45_000;
const PLAY_MS = 60_000;
const CLI_TIMEOUT_MS = 5000;

test('a film plays to its end while Redis is flushed, and then stopped', async () => {
  await using film = await seedSmallFilm({ durationSeconds: FILM_SECONDS });
  await using redis = await startRedis();
  await using gateway = await startGateway({
    settings: { LODESTREAM_REDIS_URL: redis.url, LODESTREAM_SEGMENT_SECONDS: '4', LODESTREAM_RUN_SEGMENTS: '1' },
  });
  await using browser = await launchBrowser();

  const watch = await openWatchPage(browser, gateway.baseUrl, film.magnet);
  await watch.waitForTime(1, START_MS);
  expect(await redis.ask('DBSIZE')).not.toBe('0');
  expect(await redis.ask('FLUSHALL')).toBe('OK');
  await watch.waitForTime(6, PLAY_MS);
  await redis.stop();
  await watch.waitForTime(10, PLAY_MS);
  // Whoever comes now finds everything, too.
  const { video } = await openFilm(gateway, film);
  expect((await fetchBytes(video.segments.at(-1)?.url ?? '')).length).toBeGreaterThan(1000);
  const ended = await watch.waitForTime(FILM_SECONDS + 1, PLAY_MS);
  const frames = await watch.takeFrames();

  expect(ended).toMatchObject({ hasEnded: true, error: null });
  expect(judgeFrames(frames, film.clip)).toEqual([]);
  expect(watch.faults).toEqual({ errors: [], failedResponses: [], strayRequests: [] });
});

/** A real server that keeps nothing on the disk. */
async function startRedis() {
  const port = await pickFreePort();
  const dir = await makeTempDir('redis');
  const server = startProcess(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    {
      cwd: dir.path,
    },
  );
  const ask = async (...command: string[]) =>
    (await runProcess('redis-cli', ['-p', String(port), ...command], { timeoutMs: CLI_TIMEOUT_MS })).trim();
  await waitFor(async () => (await ask('PING')) === 'PONG', { what: 'Redis answers', timeoutMs: START_MS });
  return {
    url: `redis://127.0.0.1:${port}`,
    ask,
    stop: () => server.stop(),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await dir[Symbol.asyncDispose]();
    },
  };
}
