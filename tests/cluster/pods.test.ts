import { waitFor } from '@lodestream/testing';
import { describe, expect, it } from 'vitest';
import type { Orchestrator } from '../../services/gateway/src/workloads/orchestrator.ts';
import type { WorkloadPhase } from '../../services/gateway/src/workloads/workload.ts';
import { CLUSTER_TRAITS, type ClusterPlace, makeClusterPlace, podSettings } from '../../services/gateway/test/cluster-place.ts';
import { downloaderSpec, readStatus, runSpec } from '../../services/gateway/test/describe-orchestrator.ts';

/** What only pods and several gateways show; what every driver does is in `kubernetes-orchestrator.test.ts`. */
const { readyTimeoutMs, goneTimeoutMs } = CLUSTER_TRAITS;
/** A list comes every 25 s at the latest. */
const RELIST_MS = 45_000;

const ready = (orchestrator: Orchestrator, name: string) => orchestrator.whenReady(name, AbortSignal.timeout(readyTimeoutMs));
const isGone = (place: ClusterPlace, name: string) => async () => (await place.podsOf(name)).length === 0;
const cpuOf = async (place: ClusterPlace, name: string) =>
  (await place.podsOf(name))[0]?.spec?.containers[0]?.resources?.requests?.['cpu'];

describe('two gateways', () => {
  it('make one pod of a hundred asks of each, and both reach it', async () => {
    await using place = await makeClusterPlace();
    const [a, b] = [await place.open(), await place.open()];
    const spec = downloaderSpec();
    await Promise.all(
      [a, b].flatMap(({ orchestrator }) =>
        Array.from({ length: 100 }, async () => {
          await Promise.resolve();
          orchestrator.ensure(spec);
          await ready(orchestrator, spec.name);
        }),
      ),
    );
    expect(await place.podsOf()).toHaveLength(1);
    for (const { orchestrator } of [a, b])
      expect(await readStatus(orchestrator, spec.name)).toMatchObject({ infoHash: spec.infoHash });
  });

  it('find what the other has just made, before anybody told them', async () => {
    await using place = await makeClusterPlace();
    const [a, b] = [await place.open(), await place.open()];
    const specs = Array.from({ length: 10 }, () => downloaderSpec());
    for (const spec of specs) {
      a.orchestrator.ensure(spec);
      await a.orchestrator.made(spec.name, AbortSignal.timeout(readyTimeoutMs));
      await b.orchestrator.lookFor(spec.name, AbortSignal.timeout(readyTimeoutMs));
      expect(b.orchestrator.get(spec.name)).toMatchObject({ phase: 'starting', spec: { infoHash: spec.infoHash } });
    }
    // What is nowhere is asked for once, however many want to know.
    const nowhere = downloaderSpec().name;
    await Promise.all(Array.from({ length: 100 }, () => b.orchestrator.lookFor(nowhere, AbortSignal.timeout(readyTimeoutMs))));
    expect(b.orchestrator.get(nowhere)).toBeUndefined();
  });

  it('agree that a workload which one of them removed is to stay away', async () => {
    await using place = await makeClusterPlace();
    const [a, b] = [await place.open(), await place.open()];
    const spec = downloaderSpec();
    a.orchestrator.ensure(spec);
    await ready(a.orchestrator, spec.name);
    await ready(b.orchestrator, spec.name).catch(() => ready(b.orchestrator, spec.name));
    const phases: WorkloadPhase[] = [];
    b.orchestrator.watch(({ phase }) => phases.push(phase));
    await a.orchestrator.remove(spec.name, a.orchestrator.get(spec.name)?.uid ?? '');
    await waitFor(isGone(place, spec.name), { what: 'the pod is gone', timeoutMs: goneTimeoutMs });
    await waitFor(() => b.orchestrator.get(spec.name) === undefined, { what: 'the other forgot it', timeoutMs: goneTimeoutMs });
    expect(phases).not.toContain('restarting');
    expect(await place.podsOf()).toEqual([]);
  });

  it('bring back, as one pod, what somebody else deleted', async () => {
    await using place = await makeClusterPlace();
    const [a, b] = [await place.open(), await place.open()];
    const spec = downloaderSpec();
    a.orchestrator.ensure(spec);
    await ready(a.orchestrator, spec.name);
    const [before] = await place.podsOf(spec.name);
    await place.api.deleteNamespacedPod({ name: spec.name, namespace: place.namespace });
    await waitFor(async () => (await place.podsOf(spec.name)).some(({ metadata }) => metadata?.uid !== before?.metadata?.uid), {
      what: 'another pod of the name is there',
      timeoutMs: readyTimeoutMs,
    });
    for (const { orchestrator } of [a, b]) {
      await ready(orchestrator, spec.name);
      expect(await readStatus(orchestrator, spec.name)).toMatchObject({ infoHash: spec.infoHash });
    }
    expect(await place.podsOf()).toHaveLength(1);
  });
});

describe('a pod', () => {
  it('gets a spec that is larger than a pod may be', async () => {
    await using place = await makeClusterPlace();
    const { orchestrator } = await place.open();
    const metadata = Buffer.alloc(900_000, 'x').toString('base64');
    const spec = downloaderSpec({ known: { peers: [], dhtNodes: [], metadata } });
    orchestrator.ensure(spec);
    await ready(orchestrator, spec.name);
    // It is not the metadata of this torrent, and so it says nothing of it; that it was given is seen where it lies.
    expect(Number(await place.evaluate(spec.name, `fs.statSync('/work/spec.json').size`))).toBeGreaterThan(metadata.length);
    expect(await readStatus(orchestrator, spec.name)).toMatchObject({ state: 'resolving' });
  });

  it('of a sleeping run gives its CPU request back, and takes it again, without a restart', async () => {
    await using place = await makeClusterPlace();
    const { orchestrator } = await place.open();
    const spec = runSpec();
    orchestrator.ensure(spec);
    await ready(orchestrator, spec.name);
    const before = await place.instancesOf(spec.name);
    expect(await cpuOf(place, spec.name)).toBe('250m');
    orchestrator.setAsleep(spec.name, true);
    await waitFor(async () => (await cpuOf(place, spec.name)) === '10m', { what: 'it requests less', timeoutMs: goneTimeoutMs });
    orchestrator.setAsleep(spec.name, false);
    await waitFor(async () => (await cpuOf(place, spec.name)) === '250m', {
      what: 'it requests as before',
      timeoutMs: goneTimeoutMs,
    });
    expect(await place.instancesOf(spec.name)).toEqual(before);
  });

  it('that a full namespace does not take is refused as busy, and taken when there is room again', async () => {
    await using place = await makeClusterPlace();
    const { namespace, api } = place;
    await api.createNamespacedResourceQuota({ namespace, body: { metadata: { name: 'small' }, spec: { hard: { pods: '1' } } } });
    const { orchestrator } = await place.open();
    const [first, second] = [downloaderSpec(), downloaderSpec()];
    await waitFor(
      async () => (await api.readNamespacedResourceQuota({ name: 'small', namespace })).status?.hard?.['pods'] === '1',
      { what: 'the quota counts', timeoutMs: goneTimeoutMs },
    );
    orchestrator.ensure(first);
    await ready(orchestrator, first.name);
    orchestrator.ensure(second);
    await expect(ready(orchestrator, second.name)).rejects.toMatchObject({ code: 'busy', problem: { retryAfterSeconds: 15 } });
    await orchestrator.remove(first.name, orchestrator.get(first.name)?.uid ?? '');
    await waitFor(() => orchestrator.get(second.name) === undefined, {
      what: 'the refusal is forgotten',
      timeoutMs: goneTimeoutMs,
    });
    orchestrator.ensure(second);
    await ready(orchestrator, second.name);
  });

  it('that no node has room for is refused as busy after a minute', async () => {
    const { transcoder } = podSettings();
    await using place = await makeClusterPlace({ transcoder: { ...transcoder, videoCpu: '500' } });
    const { orchestrator } = await place.open();
    const spec = runSpec();
    orchestrator.ensure(spec);
    await expect(orchestrator.whenReady(spec.name, AbortSignal.timeout(90_000))).rejects.toMatchObject({ code: 'busy' });
    await waitFor(isGone(place, spec.name), { what: 'it is gone', timeoutMs: goneTimeoutMs });
  });
});

describe('while the API server is away', () => {
  it('what runs goes on, and what was asked for meanwhile comes when it is back', async () => {
    await using place = await makeClusterPlace();
    const proxy = await place.putProxy();
    const { orchestrator } = await place.open();
    const [old, fresh] = [downloaderSpec(), downloaderSpec()];
    orchestrator.ensure(old);
    await ready(orchestrator, old.name);
    proxy.set({ isRefusing: true });
    proxy.reset();
    orchestrator.ensure(fresh);
    await expect(orchestrator.whenReady(fresh.name, AbortSignal.timeout(5000))).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(await readStatus(orchestrator, old.name)).toMatchObject({ infoHash: old.infoHash });
    proxy.set({});
    await ready(orchestrator, fresh.name);
    expect((await place.podsOf()).map(({ metadata }) => metadata?.name).sort()).toEqual([old.name, fresh.name].sort());
  });

  it('what happened to pods meanwhile is known after the next list, also when the watch fell silent', async () => {
    await using place = await makeClusterPlace();
    const proxy = await place.putProxy();
    const { orchestrator } = await place.open();
    const spec = downloaderSpec();
    orchestrator.ensure(spec);
    await ready(orchestrator, spec.name);
    proxy.set({ isSilent: true });
    const { uid } = (await place.podsOf(spec.name))[0]?.metadata ?? {};
    await place.api.deleteNamespacedPod({ name: spec.name, namespace: place.namespace, gracePeriodSeconds: 0 });
    await waitFor(isGone(place, spec.name), { what: 'the pod is gone', timeoutMs: goneTimeoutMs });
    expect(orchestrator.get(spec.name)?.phase).toBe('ready');
    proxy.set({});
    proxy.reset();
    await waitFor(async () => (await place.podsOf(spec.name)).some(({ metadata }) => metadata?.uid !== uid), {
      what: 'it is back',
      timeoutMs: RELIST_MS,
    });
    await ready(orchestrator, spec.name);
  });
});
