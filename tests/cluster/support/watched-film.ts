import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  buildMagnet,
  type Clip,
  createTorrent,
  launchBrowser,
  makeClip,
  openWatchPage,
  startSeeder,
  type TestTorrent,
  type WatchPage,
  waitFor,
} from '@lodestream/testing';
import { HOST_ADDRESS } from '../../../services/gateway/test/cluster-place.ts';
import { installRelease, type Release } from './release.ts';

const START_TIMEOUT_MS = 90_000;
const LOOK_MS = 250;
/** What Kubernetes gives away by default: https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport */
const NODE_PORTS = [30_000, 32_767] as const;

/** No packet leaves this machine; all else is as it is shipped. */
export const CLOSED_NETWORK = [
  '--set=torrents.dht=false',
  '--set-json=torrents.dhtBootstrap=[]',
  '--set-json=torrents.trackers=[]',
  `--set-json=torrents.allowedPrivateNetworks=["${HOST_ADDRESS}/32"]`,
];

export type OpenRelease = { release: Release; baseUrl: string };

/** A release at an address of this machine that outlives its gateways. */
export async function installOpenRelease(...values: string[]): Promise<OpenRelease> {
  const port = randomInt(NODE_PORTS[0], NODE_PORTS[1]);
  const baseUrl = `http://${HOST_ADDRESS}:${port}`;
  const release = await installRelease(
    ...CLOSED_NETWORK,
    '--set=service.type=NodePort',
    `--set=service.nodePort=${port}`,
    `--set-json=publicUrls=["${baseUrl}"]`,
    ...values,
  );
  // The Service is known to the node a moment after its pods are ready.
  await waitFor(async () => (await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(2000) })).ok, {
    what: 'the Service answers',
    timeoutMs: START_TIMEOUT_MS,
  });
  return { release, baseUrl };
}

/** Lets pages do, and the browser complain of, what they would behind the operator's own HTTPS. */
export function trustedAddress(baseUrl: string): string {
  return `--unsafely-treat-insecure-origin-as-secure=${baseUrl}`;
}

export type WatchedFilm = AsyncDisposable & {
  clip: Clip;
  torrent: TestTorrent;
  magnet: string;
  watch: WatchPage;
  standstill: Standstill;
};

/** A film that somebody watches in a browser. */
export async function watchFilm(baseUrl: string, durationSeconds: number): Promise<WatchedFilm> {
  const opened = new AsyncDisposableStack();
  try {
    const clip = await makeClip({ durationSeconds, width: 320, height: 180, keyframeSeconds: 2, name: 'film' });
    const torrent = await createTorrent({ dir: clip.dir, name: clip.name, pieceLengthBytes: 64 * 1024 });
    const seeder = opened.use(await startSeeder({ client: 'libtorrent', torrent, address: HOST_ADDRESS }));
    const browser = opened.use(await launchBrowser({ extraFlags: [trustedAddress(baseUrl)] }));
    const magnet = buildMagnet(torrent, [seeder]);
    const watch = await openWatchPage(browser, baseUrl, magnet);
    await watch.waitForTime(0.5, START_TIMEOUT_MS);
    const standstill = opened.use(measureStandstill(watch));
    return { clip, torrent, magnet, watch, standstill, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** The longest time that a picture stood still since it was asked last, in seconds. */
export type Standstill = AsyncDisposable & { take(): number };

function measureStandstill(watch: WatchPage): Standstill {
  let [movedAt, at, longest] = [performance.now(), 0, 0];
  let failure: unknown;
  const stopping = new AbortController();
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      const { currentSeconds } = await watch.state();
      const now = performance.now();
      longest = Math.max(longest, now - movedAt);
      if (currentSeconds !== at) [movedAt, at] = [now, currentSeconds];
      await sleep(LOOK_MS, undefined, { signal: stopping.signal });
    }
  })().catch((error) => {
    failure = error;
  });
  return {
    take() {
      if (failure !== undefined) throw new Error('nobody looked at the picture any more', { cause: failure });
      const seconds = longest / 1000;
      longest = performance.now() - movedAt;
      return seconds;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await looking;
    },
  };
}
