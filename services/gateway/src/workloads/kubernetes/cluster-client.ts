import {
  type ConfigurationOptions,
  CoreV1Api,
  KubeConfig,
  Observable,
  type ObservableMiddleware,
  PatchStrategy,
  setHeaderOptions,
  type V1Pod,
  Watch,
} from '@kubernetes/client-node';
import { delay } from '@lodestream/service-kit';
import { CONTAINER } from './pod-manifest.ts';
import { type ApiError, readApiError } from './read-api-error.ts';

/** The library itself has no deadline and no retry; an API server answers within milliseconds or is in trouble. */
const CALL_MS = 5000;
const LIST_MS = 15_000;
const TRIES = 3;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 5000;
/** The server ends a watch after so long: shorter than the library's own limit of silence, 30 s. */
const WATCH_SECONDS = 25;
/** One that says nothing and does not end is given up. */
const WATCH_MS = 35_000;

export type PodEvent = { type: string; pod: V1Pod };

/** The API server, as far as workloads need it; all of it about pods of one namespace. Calls reject with what `readApiError` reads. */
export type ClusterClient = {
  readonly namespace: string;
  listPods(selector: string): Promise<{ pods: V1Pod[]; resourceVersion: string }>;
  /** Resolves when the watch has ended, for whatever reason: then one lists again. */
  watchPods(selector: string, resourceVersion: string, onEvent: (event: PodEvent) => void, signal: AbortSignal): Promise<void>;
  /** Not repeated here: whoever asks for a name knows what 409 means to him. */
  createPod(pod: V1Pod): Promise<V1Pod>;
  readPod(name: string): Promise<V1Pod | undefined>;
  /** Deletes the pod if it still is the one; `changed`: it is another or has changed since. */
  deletePod(
    name: string,
    is: { uid: string; resourceVersion?: string },
    graceSeconds: number | undefined,
  ): Promise<'deleted' | 'gone' | 'changed'>;
  /** Requests so much CPU from now on; false where the cluster cannot change a running pod. */
  resizePod(name: string, cpu: string): Promise<boolean>;
  readConfigMapUid(name: string): Promise<string>;
  /** `name` in the namespace of this client, or `namespace/name`; `version` is another after every change. */
  readConfigMap(reference: string, signal: AbortSignal): Promise<{ version: string; data: Readonly<Record<string, string>> }>;
};

export function createClusterClient(wantedNamespace: string | undefined, config = loadKubeConfig()): ClusterClient {
  const api = config.makeApiClient(CoreV1Api);
  const namespace = wantedNamespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';

  return {
    namespace,
    async listPods(labelSelector) {
      const { items, metadata } = await again(() => api.listNamespacedPod({ namespace, labelSelector }, within(LIST_MS)));
      return { pods: items, resourceVersion: metadata?.resourceVersion ?? '' };
    },
    async watchPods(labelSelector, resourceVersion, onEvent, signal) {
      const watch = new Watch(config);
      const query = { labelSelector, resourceVersion, timeoutSeconds: WATCH_SECONDS, allowWatchBookmarks: true };
      const ended = Promise.withResolvers<void>();
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
      const controller = await watch.watch(
        path,
        query,
        (type, object) => {
          if (type === 'ERROR') ended.resolve();
          else if (type !== 'BOOKMARK') onEvent({ type, pod: object as V1Pod });
        },
        () => ended.resolve(),
      );
      await Promise.race([ended.promise, delay(WATCH_MS, signal).catch(() => {})]);
      controller.abort();
    },
    createPod: (body) => api.createNamespacedPod({ namespace, body }, within(CALL_MS)),
    async readPod(name) {
      return await again(() => api.readNamespacedPod({ name, namespace }, within(CALL_MS))).catch(
        unless('gone', () => undefined),
      );
    },
    async deletePod(name, { uid, resourceVersion }, gracePeriodSeconds) {
      const preconditions = { uid, ...(resourceVersion ? { resourceVersion } : {}) };
      const body = { preconditions, ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }) };
      return await again(() => api.deleteNamespacedPod({ name, namespace, body }, within(CALL_MS))).then(
        () => 'deleted' as const,
        (error) => {
          const { fault } = readApiError(error);
          if (fault === 'gone') return 'gone' as const;
          if (fault === 'conflict') return 'changed' as const;
          throw error;
        },
      );
    },
    async resizePod(name, cpu) {
      const body = { spec: { containers: [{ name: CONTAINER, resources: { requests: { cpu } } }] } };
      const options = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch, within(CALL_MS));
      try {
        await again(() => api.patchNamespacedPodResize({ name, namespace, body }, options));
        return true;
      } catch (error) {
        const { fault, message } = readApiError(error);
        // The pod has gone, or (without its name in the message) the server knows no such call.
        if (fault === 'gone') return message.includes(name);
        if (fault === 'refused') return false;
        throw error;
      }
    },
    async readConfigMapUid(name) {
      const { metadata } = await again(() => api.readNamespacedConfigMap({ name, namespace }, within(CALL_MS)));
      return metadata?.uid ?? '';
    },
    async readConfigMap(reference, signal) {
      const [name = '', at = namespace] = reference.split('/').reverse();
      const { metadata, data } = await api.readNamespacedConfigMap(
        { name, namespace: at },
        until(() => signal),
      );
      return { version: `${metadata?.uid}/${metadata?.resourceVersion}`, data: data ?? {} };
    },
  };
}

/** `KUBECONFIG` or `~/.kube/config` where there is one, else the service account of the pod that this is. */
function loadKubeConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  return config;
}

/** A deadline for one call. */
function within(ms: number): ConfigurationOptions<ObservableMiddleware> {
  return until(() => AbortSignal.timeout(ms));
}

/** The client takes a signal in no other way. */
function until(makeSignal: () => AbortSignal): ConfigurationOptions<ObservableMiddleware> {
  const middleware: ObservableMiddleware = {
    pre: (context) => {
      context.setSignal(makeSignal());
      return new Observable(Promise.resolve(context));
    },
    post: (context) => new Observable(Promise.resolve(context)),
  };
  return { middleware: [middleware], middlewareMergeStrategy: 'append' };
}

/** Calls again what failed in passing; for calls that do the same when they are made twice. */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const { fault, retryAfterMs } = readApiError(error);
      if (fault !== 'again' || attempt >= TRIES) throw error;
      await delay(Math.min(MAX_RETRY_MS, retryAfterMs ?? FIRST_RETRY_MS * 2 ** attempt * (0.5 + Math.random())));
    }
  }
}

function unless<T>(fault: ApiError['fault'], otherwise: () => T): (error: unknown) => T {
  return (error) => {
    if (readApiError(error).fault !== fault) throw error;
    return otherwise();
  };
}
