import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeClusterPlace } from '../../services/gateway/test/cluster-place.ts';
import { downloaderSpec } from '../../services/gateway/test/describe-orchestrator.ts';
import { command } from './support/release.ts';
import { installOpenRelease, watchFilm } from './support/watched-film.ts';

const STARTS = 15;
const READY_MS = 60_000;
const FILM_SECONDS = 60;
const WATCHED_SECONDS = 30;
const PLAY_TIMEOUT_MS = 120_000;
/** The kubelet looks at its containers every ten seconds. */
const KUBELET_MS = 12_000;
const WRITES = /^apiserver_request_total\{(?<labels>[^}]*)\} (?<count>\S+)$/;
/** A downloader, a probe, and of pictures and of sound a run from the beginning and one of the last segment (plan-segment.ts). */
const PODS_A_FILM = 6;
/** For each pod of a gateway's: create and delete, and a resize when a run sleeps and when it wakes. */
const MAX_WRITES_A_POD = 4;

test('a worker calls home soon after its pod was asked for', async () => {
  await using place = await makeClusterPlace();
  const { orchestrator } = await place.open();
  const times: number[] = [];
  for (let turn = 0; turn < STARTS; turn++) {
    const spec = downloaderSpec();
    const startedAt = performance.now();
    orchestrator.ensure(spec);
    await orchestrator.whenReady(spec.name, AbortSignal.timeout(READY_MS));
    times.push(performance.now() - startedAt);
    await orchestrator.remove(spec.name, orchestrator.get(spec.name)?.uid ?? '');
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => Math.round(times[Math.floor(share * (STARTS - 1))] ?? Number.NaN);
  console.info(`asked for → calls home: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms of ${STARTS}`);
  expect(times).toHaveLength(STARTS);
});

test('a film costs the cluster few pods and few writes', async () => {
  const { release, baseUrl } = await installOpenRelease();
  await using _release = release;
  const before = await gatewayWrites();
  const startedAt = performance.now();
  await using film = await watchFilm(baseUrl, FILM_SECONDS);
  console.info(`page opened, magnet pasted → half a second of film: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  const gatewaysFrom = await cpuSeconds(release.namespace, /^films-lodestream-(?!redis)/);
  const watchedFrom = performance.now();
  await film.watch.waitForTime(WATCHED_SECONDS, PLAY_TIMEOUT_MS);
  await sleep(KUBELET_MS);
  const gatewaySeconds = (await cpuSeconds(release.namespace, /^films-lodestream-(?!redis)/)) - gatewaysFrom;
  const share = gatewaySeconds / ((performance.now() - watchedFrom) / 1000);
  const pods = await podStats(release.namespace);
  const created = (await gatewayWrites()).created - before.created;
  const writes = (await gatewayWrites()).all - before.all;
  const memory = pods.map(({ name, memoryBytes }) => `${name.slice(0, 2)} ${(memoryBytes / 2 ** 20).toFixed(0)} MiB`).sort();
  console.info(
    `${created} pods, ${writes} writes of gateways, ${(share * 100).toFixed(1)} % of a core for both gateways; ${memory.join(', ')}`,
  );
  // The gateways and Redis are pods too, and were there before.
  expect(created).toBeLessThanOrEqual(PODS_A_FILM);
  expect(writes).toBeLessThanOrEqual(PODS_A_FILM * MAX_WRITES_A_POD);
});

/** What gateways write: pods that they make and delete, and the CPU that they resize; the kubelet and scheduler have subresources of their own. */
async function gatewayWrites(): Promise<{ created: number; all: number }> {
  const sums = { created: 0, all: 0 };
  for (const line of (await command('kubectl', 'get', '--raw', '/metrics')).split('\n')) {
    const { labels = '', count } = WRITES.exec(line)?.groups ?? {};
    const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (label('resource') !== 'pods' || !/^2/.test(label('code'))) continue;
    const isCreated = label('verb') === 'POST' && label('subresource') === '';
    const isGateways =
      isCreated || (label('verb') === 'DELETE' && label('subresource') === '') || label('subresource') === 'resize';
    if (isCreated) sums.created += Number(count);
    if (isGateways) sums.all += Number(count);
  }
  return sums;
}

type PodStats = { name: string; cpuSeconds: number; memoryBytes: number };

/** By the kubelet's own count: https://kubernetes.io/docs/reference/instrumentation/node-metrics/ */
async function podStats(namespace: string): Promise<PodStats[]> {
  const [node = ''] = (await command('kubectl', 'get', 'nodes', '--output=name')).split('\n');
  const path = `/api/v1/nodes/${node.split('/')[1]}/proxy/stats/summary`;
  const { pods } = JSON.parse(await command('kubectl', 'get', '--raw', path));
  return pods
    .filter(({ podRef }: { podRef: { namespace: string } }) => podRef.namespace === namespace)
    .map(({ podRef, containers = [] }: { podRef: { name: string }; containers?: Container[] }) => ({
      name: podRef.name,
      cpuSeconds: sum(containers, ({ cpu }) => (cpu?.usageCoreNanoSeconds ?? 0) / 1e9),
      memoryBytes: sum(containers, ({ memory }) => memory?.workingSetBytes ?? 0),
    }));
}

type Container = { cpu?: { usageCoreNanoSeconds?: number }; memory?: { workingSetBytes?: number } };

async function cpuSeconds(namespace: string, name: RegExp): Promise<number> {
  return sum(
    (await podStats(namespace)).filter((pod) => name.test(pod.name)),
    (pod) => pod.cpuSeconds,
  );
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
