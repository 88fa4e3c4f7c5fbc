import { once } from 'node:events';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiPaths } from '@lodestream/shared';
import {
  buildMagnet,
  type Clip,
  createTorrent,
  judgeFrames,
  launchBrowser,
  makeClip,
  makeTempDir,
  openWatchPage,
  type PlaybackState,
  startProcess,
  startSeeder,
  type TestBrowser,
  type WatchPage,
  waitFor,
} from '@lodestream/testing';
import { expect, test } from 'vitest';
import { HOST_ADDRESS } from '../../services/gateway/test/cluster-place.ts';
import { postMagnet } from '../e2e/support/small-film.ts';
import type { Release } from './support/release.ts';
import { installOpenRelease, trustedAddress } from './support/watched-film.ts';

const FILMS = 20;
const FILM_SECONDS = 60;
const VIEWERS = 4;
const SERVED_WITHIN_MS = 600_000;
const START_TIMEOUT_MS = 120_000;
const PLAY_TIMEOUT_MS = 300_000;
/** The window in which all pages must have moved. */
const WINDOW_MS = 10_000;
const LOOK_MS = 2000;
const ASKS = 100;

/** So that twenty of each fit on a node of two cores beside all else. */
const SMALL = ['downloader.cpu=10m', 'transcoder.cpu=10m', 'transcoder.videoCpu=20m', 'transcoder.memoryRequest=64Mi'].map(
  (value) => `--set=workloads.${value}`,
);

type Film = { clip: Clip; infoHash: string; magnet: string };

test(
  'twenty films at once on a small node: four are watched at a time, who waits is told so, and nothing crashes',
  async () => {
    await using opened = new AsyncDisposableStack();
    const films = await seedFilms(opened);
    // All viewers of the test have one address.
    const { release, baseUrl } = await installOpenRelease(...SMALL, '--set=clientLimits=false');
    opened.use(release);
    const first = films[0] as Film;
    const asked = await Promise.all(Array.from({ length: ASKS }, () => postMagnet({ baseUrl }, first.magnet)));
    expect(asked.filter((status) => status !== 200 && status !== 201)).toEqual([]);
    expect((await release.pods()).filter((name) => name.startsWith('dl-'))).toEqual([`dl-${first.infoHash}`]);

    const watching = new AbortController();
    opened.defer(() => watching.abort());
    const crashes = watchForCrashes(release, watching.signal);
    // What it says is asked for at the end; a failure must not end the process before that.
    crashes.catch(() => {});
    const startedAt = performance.now();
    const statuses = await Promise.all(films.map((film) => postMagnet({ baseUrl }, film.magnet)));
    expect(statuses.filter((status) => status !== 200 && status !== 201)).toEqual([]);
    const refusals = (await Promise.all(films.map(({ infoHash }) => askOnce(baseUrl, infoHash)))).filter((one) => one !== 200);
    expect(refusals.filter((one) => !isCleanRefusal(one))).toEqual([]);

    const browser = opened.use(await launchBrowser({ extraFlags: [trustedAddress(baseUrl)] }));
    const open = new Set<WatchPage>();
    const together = watchTogether(open, watching.signal);
    const waiting = [...films];
    await Promise.all(
      Array.from({ length: VIEWERS }, async () => {
        for (let film = waiting.shift(); film; film = waiting.shift()) await watchToItsEnd(browser, baseUrl, film, open);
      }),
    );
    const served = performance.now() - startedAt;
    watching.abort();
    console.info(`${FILMS} films watched in ${(served / 1000).toFixed(0)} s, ${refusals.length} were told to wait at first`);
    expect(await together).toBe(true);
    expect(await crashes).toEqual([]);
    expect(served).toBeLessThan(SERVED_WITHIN_MS);
  },
  SERVED_WITHIN_MS + START_TIMEOUT_MS + PLAY_TIMEOUT_MS,
);

/** The same minute under twenty names: each is a torrent, with a seeder of its own. */
async function seedFilms(opened: AsyncDisposableStack): Promise<Film[]> {
  const clip = await makeClip({ durationSeconds: FILM_SECONDS, name: 'minute' });
  const dir = opened.use(await makeTempDir('crowd')).path;
  return await Promise.all(
    Array.from({ length: FILMS }, async (_, index) => {
      const name = `film-${index}.mkv`;
      await copyFile(clip.path, join(dir, name));
      const torrent = await createTorrent({ dir, name });
      const seeder = opened.use(await startSeeder({ client: 'libtorrent', torrent, address: HOST_ADDRESS }));
      return { clip, infoHash: torrent.infoHash, magnet: buildMagnet(torrent, [seeder]) };
    }),
  );
}

type Refusal = { status: number; retryAfter: string | null; body: string };

/** A player's first question for the picture, asked once; 200, or what was said instead. */
async function askOnce(baseUrl: string, infoHash: string): Promise<200 | Refusal> {
  const response = await fetch(`${baseUrl}${apiPaths.multivariantPlaylist(infoHash, 0)}`, {
    signal: AbortSignal.timeout(START_TIMEOUT_MS),
  });
  const body = await response.text();
  return response.status === 200 ? 200 : { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

function isCleanRefusal(one: 200 | Refusal): boolean {
  return one === 200 || (one.status === 503 && Number(one.retryAfter) > 0 && /"code":"(busy|not-ready)"/.test(one.body));
}

async function watchToItsEnd(browser: TestBrowser, baseUrl: string, film: Film, open: Set<WatchPage>): Promise<void> {
  const unclean: string[] = [];
  const watch = await openWatchPage(browser, baseUrl, film.magnet, (page) =>
    page.on('response', (response) => {
      if (response.status() === 503 && !response.headers()['retry-after']) unclean.push(response.url());
    }),
  );
  try {
    open.add(watch);
    await watch.waitForTime(0.5, START_TIMEOUT_MS);
    const ended = await waitFor(() => endOf(watch), {
      what: 'the film has ended',
      timeoutMs: PLAY_TIMEOUT_MS,
      // Four pages that are asked all the time have less for their films.
      intervalMs: LOOK_MS,
    });
    expect(ended).toMatchObject({ hasEnded: true, error: null });
    const frames = await watch.takeFrames();
    expect(judgeFrames(frames, film.clip)).toEqual([]);
    expect(frames.length).toBeGreaterThan(FILM_SECONDS);
    expect(watch.faults.errors).toEqual([]);
    expect(watch.faults.failedResponses).toEqual([]);
    expect(unclean).toEqual([]);
  } finally {
    open.delete(watch);
    await watch.page.context().close();
  }
}

async function endOf(watch: WatchPage): Promise<PlaybackState | null> {
  const state = await watch.state();
  return state.hasEnded || state.error !== null ? state : null;
}

/** Whether, at some time, as many pages as there are viewers had all moved within the last ten seconds. */
async function watchTogether(open: ReadonlySet<WatchPage>, signal: AbortSignal): Promise<boolean> {
  const moved = new Map<WatchPage, { at: number; seconds: number }>();
  let isTogether = false;
  while (!signal.aborted) {
    for (const watch of open) {
      const seconds = await watch.state().then(
        ({ currentSeconds }) => currentSeconds,
        () => 0,
      );
      if (seconds > (moved.get(watch)?.seconds ?? 0)) moved.set(watch, { at: performance.now(), seconds });
    }
    const moving = [...open].filter((watch) => performance.now() - (moved.get(watch)?.at ?? -WINDOW_MS) < WINDOW_MS);
    isTogether ||= moving.length === VIEWERS;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  }
  return isTogether;
}

/** Pods that failed or were started again until the signal: name, phase, restarts. */
async function watchForCrashes({ namespace }: Release, signal: AbortSignal): Promise<string[]> {
  const seen = new Map<string, string>();
  const path = '{.metadata.name} {.status.phase} {.status.containerStatuses[0].restartCount}{"\\n"}';
  const args = ['get', 'pods', '--watch', `--namespace=${namespace}`, `--output=jsonpath=${path}`];
  await using watching = startProcess('kubectl', args, {
    onLine(line) {
      const [name = '', phase, restarts = '0'] = line.split(' ');
      if (phase === 'Failed' || Number(restarts) > 0) seen.set(name, line);
    },
  });
  await Promise.race([once(signal, 'abort'), watching.exited]);
  // What it did not see it cannot vouch for.
  if (!signal.aborted) throw new Error(`nobody watches the pods any more\n${watching.tail()}`);
  return [...seen.values()];
}
