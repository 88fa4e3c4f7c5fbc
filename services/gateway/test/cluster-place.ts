import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { CoreV1Api, Exec, KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { type FaultProxy, makeTempDir, pickFreePort, startFaultProxy, waitFor } from '@lodestream/testing';
import type { FastifyInstance } from 'fastify';
import { createMetrics } from '../src/metrics.ts';
import { buildInternalApp } from '../src/routes/internal.ts';
import { createClusterClient } from '../src/workloads/kubernetes/cluster-client.ts';
import { openKubernetesOrchestrator } from '../src/workloads/kubernetes/kubernetes-orchestrator.ts';
import type { PodPlace } from '../src/workloads/kubernetes/pod-manifest.ts';
import type { Orchestrator } from '../src/workloads/orchestrator.ts';
import { DownloaderPodSettings, TranscoderPodSettings } from '../src/workloads/pod-settings.ts';
import { type DriverTraits, logger, type OrchestratorPlace } from './describe-orchestrator.ts';

/** Where pods reach this machine, and which images they have: what `tools/cluster` gives, or what an operator's cluster needs. */
export const HOST_ADDRESS = process.env.LODESTREAM_TEST_HOST_ADDRESS ?? '10.244.0.1';
const IMAGE_TAG = process.env.LODESTREAM_TEST_IMAGE_TAG ?? '0.1.0';
const GONE_MS = 60_000;

export const CLUSTER_TRAITS: DriverTraits = { readyTimeoutMs: 60_000, goneTimeoutMs: 30_000, endsWithGateway: false };

export type ClusterPlace = OrchestratorPlace & {
  readonly namespace: string;
  /** The cluster as its administrator sees it. */
  readonly api: CoreV1Api;
  podsOf(name?: string): Promise<V1Pod[]>;
  /** What an expression of Node is in a worker's container, as text: its image has no shell. */
  evaluate(name: string, expression: string): Promise<string>;
  /** Between gateways that are opened from now on and the API server. */
  putProxy(): Promise<FaultProxy>;
};

export function podSettings(change: Partial<PodPlace> = {}): Omit<PodPlace, 'callHomeUrls'> {
  const small = { imagePullPolicy: 'IfNotPresent', cpu: '50m', memoryRequest: '64Mi', scratch: '1Gi' };
  return {
    instance: 'test',
    downloader: DownloaderPodSettings.parse({ ...small, image: `lodestream/downloader:${IMAGE_TAG}` }),
    transcoder: TranscoderPodSettings.parse({ ...small, image: `lodestream/transcoder:${IMAGE_TAG}` }),
    logLevel: 'warn',
    ...change,
  };
}

/** A namespace of its own that admits restricted pods only, and the gateways that open it: real pods, real call-home. */
export async function makeClusterPlace(change: Partial<PodPlace> = {}): Promise<ClusterPlace> {
  const config = new KubeConfig();
  config.loadFromDefault();
  const api = config.makeApiClient(CoreV1Api);
  const namespace = `test-${randomBytes(4).toString('hex')}`;
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await api.createNamespace({ body: { metadata: { name: namespace, labels } } });
  const opened: { orchestrator: Orchestrator; internal: FastifyInstance }[] = [];
  const key = randomBytes(32);
  const opening = new AsyncDisposableStack();
  let kubeconfig = config;
  const metrics = createMetrics({ workloads: () => [], runs: () => ({ asleep: 0, awake: 0 }), cacheBytes: () => 0 });
  const podsOf = async (name?: string) => {
    const fieldSelector = name === undefined ? undefined : `metadata.name=${name}`;
    return (await api.listNamespacedPod({ namespace, ...(fieldSelector ? { fieldSelector } : {}) })).items;
  };
  const evaluate = async (name: string, expression: string) => {
    const output = new PassThrough();
    const text = readAll(output);
    const socket = await new Exec(config).exec(namespace, name, 'worker', ['node', '-p', expression], output, null, null, false);
    await waitFor(() => socket.readyState === socket.CLOSED, { what: 'the command has ended', timeoutMs: GONE_MS });
    output.end();
    return await text;
  };
  return {
    namespace,
    api,
    podsOf,
    evaluate,
    async open(ladder) {
      const port = await pickFreePort(HOST_ADDRESS);
      const callHomeUrl = `http://${HOST_ADDRESS}:${port}`;
      const place = { ...podSettings(change), callHomeUrls: [callHomeUrl] };
      const cluster = createClusterClient(namespace, kubeconfig);
      const orchestrator = await openKubernetesOrchestrator({ cluster, place, key, logger, ...(ladder ? { ladder } : {}) });
      const internal = buildInternalApp(orchestrator, metrics, logger);
      await internal.listen({ host: HOST_ADDRESS, port });
      opened.push({ orchestrator, internal });
      return { orchestrator, callHomeUrl };
    },
    async putProxy() {
      const server = new URL(config.getCurrentCluster()?.server ?? '');
      const proxy = opening.use(
        await startFaultProxy({ target: { address: server.hostname, port: Number(server.port || 443) } }),
      );
      const dir = opening.use(await makeTempDir('kubeconfig'));
      const file = join(dir.path, 'config');
      const direct = JSON.parse(config.exportConfig());
      for (const { cluster } of direct.clusters) {
        cluster.server = `https://${proxy.address}:${proxy.port}`;
        // The certificate is the server's own, and this is another address.
        delete cluster['certificate-authority-data'];
        cluster['insecure-skip-tls-verify'] = true;
      }
      await writeFile(file, JSON.stringify(direct));
      kubeconfig = new KubeConfig();
      kubeconfig.loadFromFile(file);
      return proxy;
    },
    /** A pod, and how often its container has ended: the kubelet tells of a start later than the worker itself does. */
    async instancesOf(name) {
      return (await podsOf(name)).flatMap(({ metadata, spec, status }) => {
        const { restartCount = 0, state } = status?.containerStatuses?.[0] ?? {};
        const hasEnded = state?.terminated && spec?.restartPolicy === 'Never';
        const isOver = metadata?.deletionTimestamp || status?.phase === 'Failed' || status?.phase === 'Succeeded';
        const isBackingOff = state?.waiting?.reason === 'CrashLoopBackOff';
        return hasEnded || isOver || isBackingOff ? [] : [`${metadata?.uid}/${restartCount + (state?.terminated ? 1 : 0)}`];
      });
    },
    async kill(name) {
      const isRunning = async () => (await podsOf(name)).some(({ status }) => status?.containerStatuses?.[0]?.state?.running);
      await waitFor(isRunning, { what: 'the kubelet knows that it runs', timeoutMs: GONE_MS });
      // Nobody can kill the first process of a container from inside; its child is the worker.
      await evaluate(name, `process.kill(parseInt(fs.readFileSync('/proc/1/task/1/children', 'utf8'), 10), 'SIGKILL')`);
    },
    async leftovers() {
      return (await podsOf()).map(({ metadata }) => metadata?.name ?? '');
    },
    async [Symbol.asyncDispose]() {
      for (const { orchestrator, internal } of opened) {
        await orchestrator[Symbol.asyncDispose]();
        await internal.close();
      }
      await opening.disposeAsync();
      await api.deleteCollectionNamespacedPod({ namespace, gracePeriodSeconds: 0 });
      await api.deleteNamespace({ name: namespace });
      await waitFor(async () => (await podsOf()).length === 0, { what: 'the pods of the test are gone', timeoutMs: GONE_MS });
    },
  };
}
