import { delay, type Logger } from '@lodestream/service-kit';
import type { ClusterClient } from './cluster-client.ts';
import { type PodView, readPod } from './read-pod.ts';

/**
 * Every pod of the deployment, as the cluster has it: list, watch for a while, list again, whatever happened meanwhile. A watch may
 * end, break or fall silent; by the next list, half a minute later at most, what it swallowed is known. While the API server is
 * away, what was known last is what is known.
 */
export type PodWatch = Disposable & {
  /** Resolves with the first list. */
  readonly listed: Promise<void>;
  /** How old the last word of the API server is. */
  ageMs(): number;
  /** A pod that we made ourselves is known before anybody tells us; what has been heard of it since counts more. */
  put(pod: PodView): void;
  get(name: string): PodView | undefined;
  all(): PodView[];
};

export type PodWatchOptions = {
  cluster: ClusterClient;
  selector: string;
  logger: Logger;
  /** Called after every change; `pod` undefined: it is gone. */
  onChange: (name: string, before: PodView | undefined, pod: PodView | undefined) => void;
};

/** A watch that ends at once is not followed by another one at once. */
const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5000;

export function watchPods({ cluster, selector, logger, onChange }: PodWatchOptions): PodWatch {
  const pods = new Map<string, { pod: PodView; sinceMs: number }>();
  const closing = new AbortController();
  const listed = Promise.withResolvers<void>();
  let heardAtMs = performance.now();

  function set(name: string, pod: PodView | undefined): void {
    const before = pods.get(name)?.pod;
    if (before && pod && isOfEarlier(pod, before)) return;
    if (pod) pods.set(name, { pod, sinceMs: performance.now() });
    else if (!pods.delete(name)) return;
    if (before?.uid === pod?.uid && before?.resourceVersion === pod?.resourceVersion) return;
    try {
      onChange(name, before, pod);
    } catch (error) {
      logger.error({ err: error }, 'a change of a pod could not be taken in');
    }
  }

  /** A pod that is not in the list has gone, unless we made it after the list was asked for. */
  function takeList(list: PodView[], askedAtMs: number): void {
    const names = new Set(list.map((pod) => pod.name));
    for (const [name, { sinceMs }] of [...pods]) if (!names.has(name) && sinceMs < askedAtMs) set(name, undefined);
    for (const pod of list) set(pod.name, pod);
  }

  async function turn(): Promise<void> {
    const askedAtMs = performance.now();
    const { pods: list, resourceVersion } = await cluster.listPods(selector);
    heardAtMs = performance.now();
    takeList(list.map(readPod), askedAtMs);
    listed.resolve();
    await cluster.watchPods(
      selector,
      resourceVersion,
      ({ type, pod }) => {
        heardAtMs = performance.now();
        const view = readPod(pod);
        // The end of one must not take away the next of its name.
        if (type !== 'DELETED') set(view.name, view);
        else if (pods.get(view.name)?.pod.uid === view.uid) set(view.name, undefined);
      },
      closing.signal,
    );
  }

  async function run(): Promise<void> {
    let pauseMs = MIN_PAUSE_MS;
    while (!closing.signal.aborted) {
      try {
        await turn();
        pauseMs = MIN_PAUSE_MS;
      } catch (error) {
        logger.warn({ err: error }, 'the cluster could not be asked for its pods');
        pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2);
      }
      await delay(pauseMs * (0.75 + Math.random() / 2), closing.signal).catch(() => {});
    }
  }
  void run();

  return {
    listed: listed.promise,
    ageMs: () => performance.now() - heardAtMs,
    put(pod) {
      if (pods.get(pod.name)?.pod.uid !== pod.uid) set(pod.name, pod);
    },
    get: (name) => pods.get(name)?.pod,
    all: () => [...pods.values()].map(({ pod }) => pod),
    [Symbol.dispose]: () => closing.abort(),
  };
}

/**
 * A pod that we made is known before the watch has told the end of the one whose name it has. Versions are numbers that grow:
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
function isOfEarlier(pod: PodView, known: PodView): boolean {
  return pod.uid !== known.uid && Number(pod.resourceVersion) < Number(known.resourceVersion);
}
