import type { Logger } from '@lodestream/service-kit';
import type { ClusterClient } from './cluster-client.ts';
import { type Collection, type ObservedPod, planCollection } from './plan-collection.ts';
import { REMOVAL_GRACE_SECONDS } from './pod-manifest.ts';
import type { PodView } from './read-pod.ts';

const EVERY_MS = 5000;
/** A node that will have room in a moment needs no eviction. */
const CROWDED_MS = 3000;

export type CollectorOptions = {
  cluster: ClusterClient;
  logger: Logger;
  observe: () => ObservedPod[];
  /** No node had room for this pod for a minute, and it goes. */
  onUnschedulable: (pod: PodView) => void;
  /** The least recently used idle workload goes in favour of this one. */
  makeRoom: (forName: string) => Promise<boolean>;
};

/**
 * Every replica looks every 5 s for pods that have ended, are stuck or cannot be reached, and deletes them as it saw them: a pod that
 * has changed since is looked at again, and one that another replica was first with is gone.
 */
export function createCollector({ cluster, logger, observe, onUnschedulable, makeRoom }: CollectorOptions): Disposable {
  /** Pods for which room has been made: once each. */
  const crowded = new Set<string>();
  let isBusy = false;

  async function collect({ pod, reason, how }: Collection): Promise<void> {
    const { name, uid, resourceVersion } = pod;
    const graceSeconds = { remove: REMOVAL_GRACE_SECONDS, delete: undefined, force: 0 }[how];
    if (reason === 'unschedulable') onUnschedulable(pod);
    const answer = await cluster.deletePod(name, { uid, resourceVersion }, graceSeconds);
    if (answer === 'deleted') logger.info({ reason, how, trouble: pod.trouble }, 'collected a pod');
  }

  async function turn(): Promise<void> {
    const observed = observe();
    const now = Date.now();
    for (const uid of crowded) if (!observed.some(({ pod }) => pod.uid === uid)) crowded.delete(uid);
    for (const { pod } of observed) {
      if (pod.unschedulableSinceMs === undefined || now - pod.unschedulableSinceMs < CROWDED_MS || crowded.has(pod.uid)) continue;
      crowded.add(pod.uid);
      await makeRoom(pod.name);
    }
    await Promise.all(planCollection(observed, now).map(collect));
  }

  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    turn()
      .catch((error) => logger.warn({ err: error }, 'pods could not be collected'))
      .finally(() => {
        isBusy = false;
      });
  }, EVERY_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
