import { setTimeout as sleep } from 'node:timers/promises';
import {
  buildMagnet,
  type CheckedRendition,
  type Clip,
  checkRendition,
  decodeFrameNumbers,
  decodeTones,
  type FaultProxy,
  judgeFrames,
  launchBrowser,
  makeClip,
  openWatchPage,
  pickLoopbackAddress,
  readMediaPlaylist,
  startFaultProxy,
  startGateway,
  type TestGateway,
} from '@lodestream/testing';
import { expect, test } from 'vitest';
import { openFilm, type SeededFilm, seedFilm } from './support/film.ts';

const FILM_SECONDS = 45;
/** The source is what the encoder waits for, so that a fault of it falls into a run: a little faster than the film plays. */
const LINE_SHARE_OF_BITRATE = 2;
/** Longer than the scheduler, the watchdog and a client's usual patience; the request is held for longer still. */
const STALL_MS = 22_000;
const SHORT_STALL_MS = 8000;
const START_TIMEOUT_MS = 60_000;
const SEGMENT_TIMEOUT_MS = 120_000;
const PLAY_TIMEOUT_MS = 150_000;

type Fault = { name: string; strike: (deployment: Deployment) => Promise<void> };
type Deployment = { gateway: TestGateway; line: FaultProxy; lineFaults: { downBytesPerSecond: number } };

const killDownloader: Fault = {
  name: 'the downloader is killed',
  strike: async ({ gateway }) => {
    const downloader = gateway.workers().find((one) => one.command.includes('downloader/src/main.ts'));
    if (!downloader) throw new Error('there is no downloader to kill');
    process.kill(downloader.pid, 'SIGKILL');
  },
};
const cutConnection: Fault = { name: 'its connections are cut', strike: async ({ line }) => line.reset() };
const stall = (durationMs: number): Fault => ({
  name: `nothing comes for ${durationMs / 1000} s`,
  strike: async ({ line, lineFaults }) => {
    line.set({ ...lineFaults, isSilent: true });
    await sleep(durationMs);
    line.set(lineFaults);
  },
});

test('a source that is killed, cut off and silent in the middle of runs never costs a frame of any segment', async () => {
  const clip = await makeFilm();
  await using film = await seedFilm(clip, { pieceLengthBytes: 64 * 1024 });
  await using line = await startSlowLine(film);
  await using gateway = await startGateway();
  const deployment = { gateway, line: line.proxy, lineFaults: line.faults };
  const playlists = await openFilm(gateway, buildMagnet(film.torrent, [line.proxy]), film.torrent.infoHash);
  const video = playlists.variants[0]?.url ?? '';

  const faults = [cutConnection, killDownloader, stall(STALL_MS)];
  const log: string[] = [];
  const fetched = await fetchWhileFaultsStrike(video, async (segmentIndex) => {
    const fault = faults[segmentIndex];
    if (!fault) return;
    log.push(`${fault.name} in segment ${segmentIndex}`);
    await fault.strike(deployment);
  });
  expect(log).toHaveLength(faults.length);

  const pictures = await checkRendition(video);
  expectSameBytes(fetched, pictures);
  expect(await decodeFrameNumbers(pictures)).toEqual(Array.from({ length: clip.frameCount }, (_, frame) => frame));
  const sound = await checkRendition(playlists.audio[0]?.url ?? '');
  expect((await decodeTones(sound, 0)).slice(0, FILM_SECONDS)).toEqual(
    Array.from({ length: FILM_SECONDS }, (_, second) => second % 10),
  );
});

test('a viewer whose source breaks again and again sees every picture once, in order, up to the end', async () => {
  const clip = await makeFilm();
  await using film = await seedFilm(clip, { pieceLengthBytes: 64 * 1024 });
  await using line = await startSlowLine(film);
  await using gateway = await startGateway();
  await using browser = await launchBrowser();
  const deployment = { gateway, line: line.proxy, lineFaults: line.faults };
  const watch = await openWatchPage(browser, gateway.baseUrl, buildMagnet(film.torrent, [line.proxy]));

  for (const [seconds, fault] of [
    [0.5, killDownloader],
    [8, cutConnection],
    [14, stall(SHORT_STALL_MS)],
  ] as const) {
    await watch.waitForTime(seconds, START_TIMEOUT_MS);
    await fault.strike(deployment);
  }
  const ended = await watch.waitForTime(FILM_SECONDS + 1, PLAY_TIMEOUT_MS);

  expect(ended).toMatchObject({ hasEnded: true, error: null });
  expect(ended.buffered).toHaveLength(1);
  const frames = await watch.takeFrames();
  expect(judgeFrames(frames, clip)).toEqual([]);
  const times = frames.map((frame) => frame.mediaTimeSeconds);
  expect(
    times.filter((time, at) => at > 0 && time <= (times[at - 1] ?? 0)),
    'pictures that came again',
  ).toEqual([]);
  expect(times.at(-1)).toBeGreaterThan(clip.durationSeconds - 0.5);
  expect(watch.faults.errors).toEqual([]);
});

function makeFilm(): Promise<Clip> {
  return makeClip({ durationSeconds: FILM_SECONDS, width: 320, height: 180, name: 'film' });
}

/** All that the swarm gives comes through here, at a rate that the encoder has to wait for. */
async function startSlowLine({ torrent, seeder }: SeededFilm) {
  const faults = { downBytesPerSecond: Math.round((torrent.lengthBytes / FILM_SECONDS) * LINE_SHARE_OF_BITRATE) };
  const proxy = await startFaultProxy({ target: seeder, address: pickLoopbackAddress(), faults });
  return { proxy, faults, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

/**
 * Fetches every segment in order as a player does that tries again: what breaks off is thrown away, what ends is taken for
 * whole. `onFirstBytes` is called once a segment, while it is being made.
 */
async function fetchWhileFaultsStrike(
  playlistUrl: string,
  onFirstBytes: (segmentIndex: number) => Promise<void>,
): Promise<Buffer[]> {
  const { segments } = await readMediaPlaylist(playlistUrl);
  const bodies: Buffer[] = [];
  for (const [segmentIndex, { url }] of segments.entries()) {
    const signal = AbortSignal.timeout(SEGMENT_TIMEOUT_MS);
    let strike: Promise<void> | undefined;
    for (let body: Buffer | undefined; body === undefined; ) {
      body = await fetchOnce(url, signal, () => {
        strike ??= onFirstBytes(segmentIndex);
      });
      if (body) bodies.push(body);
    }
    await strike;
  }
  return bodies;
}

/** Undefined: not now, or broken off. */
async function fetchOnce(url: string, signal: AbortSignal, onFirstBytes: () => void): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  try {
    const response = await fetch(url, { signal });
    if (response.status === 503) {
      await response.body?.cancel();
      await sleep(Number(response.headers.get('retry-after') ?? 1) * 1000, undefined, { signal });
      return undefined;
    }
    if (!response.ok || !response.body) throw new Error(`${url} is ${response.status}: ${await response.text()}`);
    for await (const chunk of response.body) {
      chunks.push(chunk);
      onFirstBytes();
    }
    return Buffer.concat(chunks);
  } catch (error) {
    // What fetch says of a connection that broke.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function expectSameBytes(fetched: readonly Buffer[], { segments }: CheckedRendition): void {
  expect(fetched).toHaveLength(segments.length);
  for (const { segmentIndex, bytes } of segments)
    expect(bytes.equals(fetched[segmentIndex] as Buffer), `segment ${segmentIndex} is what it was under the faults`).toBe(true);
}
