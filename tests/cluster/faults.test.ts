import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { judgeFrames, type MediaPlaylist, readFirstByte, waitFor } from '@lodestream/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFilm } from '../e2e/support/small-film.ts';
import { cutApiConnections, IS_OUR_MACHINE, killContainers, startPart, starveEncoders, stopPart } from './support/machine.ts';
import type { Release } from './support/release.ts';
import { installOpenRelease, type WatchedFilm, watchFilm } from './support/watched-film.ts';

/** Longer than all faults together take. */
const FILM_SECONDS = 1200;
/** Longer than a player with a full buffer, or an API server that is away, keeps a run waiting. */
const TTL_SECONDS = 120;
const AWAY_MS = 60_000;
const KUBELET_AWAY_MS = 30_000;
/** So much later than the beginning of a fault that lasts. */
const ASK_INTO_MS = 5000;
const ORPHAN_MS = 90_000;
const ASK_TIMEOUT_MS = 150_000;
const PLAY_MS = 180_000;
/** A run goes forwards only: what lies before all others has been made by nobody. */
const STEP_SEGMENTS = 5;
const LAST_SEGMENT = 115;
const WORKLOAD = /^(dl|tc|pr)-/;

type Fault = {
  name: string;
  /** From the fault, or from its end where it lasts, to the first byte of what nobody has made yet: the contract's (docs). */
  boundSeconds: number;
  /** What a viewer asks for meanwhile needs something that is away. */
  isAskedAfter?: boolean;
  /** Where what plays hangs on nothing that is away. */
  standsAtMostSeconds?: number;
  /** Playback hangs on what is hit: the picture must pass what the player had in its buffer. */
  passesBuffer?: boolean;
  strike(release: Release): Promise<void>;
};

const FAULTS: Fault[] = [
  {
    name: 'the downloader pod is deleted',
    boundSeconds: 45,
    strike: (release) => deletePods(release, /^dl-/),
  },
  {
    name: 'the transcoder pods are deleted',
    boundSeconds: 45,
    passesBuffer: true,
    strike: (release) => deletePods(release, /^tc-/),
  },
  {
    name: 'ffmpeg runs out of memory',
    boundSeconds: 5,
    passesBuffer: true,
    strike: async () => expect(await starveEncoders()).toBeGreaterThan(0),
  },
  {
    name: 'the gateways are replaced, one after the other',
    boundSeconds: 10,
    async strike({ kubectl }) {
      await kubectl('rollout', 'restart', 'deployment/films-lodestream');
      await kubectl('rollout', 'status', 'deployment/films-lodestream', '--timeout=120s');
    },
  },
  {
    name: 'Redis is flushed',
    boundSeconds: 5,
    async strike(release) {
      const [pod] = (await release.pods()).filter((name) => name.startsWith('films-lodestream-redis'));
      const field = async (what: string, path: string) => release.kubectl('get', ...what.split(' '), `--output=jsonpath=${path}`);
      const password = Buffer.from(await field('secret films-lodestream-redis', '{.data.redis-password}'), 'base64').toString();
      expect(await ask(await field(`pod ${pod}`, '{.status.podIP}'), 6379, `AUTH ${password}\r\nFLUSHALL\r\nQUIT\r\n`)).toBe(
        '+OK\r\n+OK\r\n+OK\r\n',
      );
    },
  },
  {
    name: 'Redis is away for a minute',
    boundSeconds: 5,
    async strike({ kubectl }) {
      await kubectl('scale', 'deployment/films-lodestream-redis', '--replicas=0');
      await sleep(AWAY_MS);
      await kubectl('scale', 'deployment/films-lodestream-redis', '--replicas=1');
      await kubectl('rollout', 'status', 'deployment/films-lodestream-redis', '--timeout=60s');
    },
  },
  {
    name: 'the API server is away for a minute',
    // As for a node that is lost: the controllers, away from it for so long, may hear of the node's lease a minute later than others
    // and count it as lost until then; nothing is scheduled on it.
    boundSeconds: 90,
    standsAtMostSeconds: 10,
    isAskedAfter: true,
    async strike() {
      await stopPart('kube-apiserver');
      await sleep(AWAY_MS);
      await startPart('kube-apiserver');
    },
  },
  {
    name: 'the watch is cut, and its transcoders go',
    boundSeconds: 45,
    async strike(release) {
      const addresses = await release.kubectl('get', 'pods', '--output=jsonpath={.items[*].status.podIP}');
      await cutApiConnections(addresses.split(' '));
      await deletePods(release, /^tc-/);
    },
  },
  {
    name: 'the kubelet is away for half a minute, and all containers of workloads are killed',
    boundSeconds: 90,
    async strike({ namespace }) {
      await stopPart('kubelet');
      try {
        expect(await killContainers(namespace, WORKLOAD)).toBeGreaterThan(0);
        await sleep(KUBELET_AWAY_MS);
      } finally {
        await startPart('kubelet');
      }
    },
  },
];

describe.skipIf(!IS_OUR_MACHINE)('a film that is watched goes on, without a hand and without a wrong frame, when', () => {
  const opened = new AsyncDisposableStack();
  let [release, film, video] = [] as unknown as [Release, WatchedFilm, MediaPlaylist];
  let nextSegment = LAST_SEGMENT;
  beforeAll(async () => {
    const open = await installOpenRelease(`--set=cacheTtlSeconds=${TTL_SECONDS}`);
    release = opened.use(open.release);
    film = opened.use(await watchFilm(open.baseUrl, FILM_SECONDS));
    ({ video } = await openFilm(open, film));
  });
  afterAll(() => opened.disposeAsync());

  test.each(FAULTS)('$name', async (fault) => {
    const { name, boundSeconds, standsAtMostSeconds = boundSeconds, isAskedAfter = false, passesBuffer = false, strike } = fault;
    const { watch, standstill, clip } = film;
    const url = video.segments[nextSegment]?.url ?? '';
    nextSegment -= STEP_SEGMENTS;
    const before = await watch.state();
    standstill.take();
    const struck = strike(release);
    // What strikes at once has struck when it returns; what lasts is asked into.
    const lasts = await Promise.race([struck.then(() => false), sleep(ASK_INTO_MS, true)]);
    if (isAskedAfter || !lasts) await struck;
    const waited = (await readFirstByte(url, ASK_TIMEOUT_MS)) / 1000;
    await struck;
    const bufferedSeconds = before.buffered.at(-1)?.[1] ?? before.currentSeconds;
    const here = (await watch.state()).currentSeconds;
    await watch.waitForTime(passesBuffer ? Math.max(here, bufferedSeconds) + 5 : here + 3, PLAY_MS);
    const stood = standstill.take();
    console.info(`${name}: first byte after ${waited.toFixed(1)} s, the picture stood still for ${stood.toFixed(1)} s at most`);
    expect(judgeFrames(await watch.takeFrames(), clip)).toEqual([]);
    expect(watch.faults.errors).toEqual([]);
    expect(waited).toBeLessThan(boundSeconds);
    expect(stood).toBeLessThan(standsAtMostSeconds);
  });

  test('and when it is closed, nothing of it is left', async () => {
    await film.watch.page.close();
    const workloads = async () => (await release.pods()).filter((name) => WORKLOAD.test(name));
    await waitFor(async () => (await workloads()).length === 0, {
      what: 'its pods are gone',
      timeoutMs: TTL_SECONDS * 1000 + ORPHAN_MS,
    }).catch(async () => expect(await workloads()).toEqual([]));
  });
});

async function deletePods({ kubectl, pods }: Release, name: RegExp): Promise<void> {
  const names = (await pods()).filter((one) => name.test(one));
  expect(names.length).toBeGreaterThan(0);
  await kubectl('delete', 'pods', '--wait=false', ...names);
}

/** What a server of lines answers until it closes. */
function ask(host: string, port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host, port, timeout: 5000 }, () => socket.write(text));
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('timeout', () => socket.destroy(new Error(`no answer from ${host}:${port}`)));
    socket.on('error', reject).on('close', () => resolve(answer));
  });
}
