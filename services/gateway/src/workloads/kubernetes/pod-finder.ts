import type { Logger } from '@lodestream/service-kit';
import type { ClusterClient } from './cluster-client.ts';
import { type PodView, readPod } from './read-pod.ts';

/**
 * Asks the cluster for a pod of which the watch has not told yet: another gateway answered for it a moment ago, and the next request
 * came here. Whoever asks for what does not exist costs the API server a bounded number of questions.
 */
export type PodFinder = (name: string) => Promise<void>;

/** Guesses of one who tries info hashes at random are not worth more at a time. */
const MAX_ASKING = 5;
/** So long what was not there is not asked for again; the watch tells sooner. */
const MISSED_MS = 1000;
const MAX_MISSED = 1000;

export function createPodFinder({
  cluster,
  logger,
  onFound,
}: {
  cluster: ClusterClient;
  logger: Logger;
  onFound: (pod: PodView) => void;
}): PodFinder {
  const asking = new Map<string, Promise<void>>();
  const missedAtMs = new Map<string, number>();

  async function ask(name: string): Promise<void> {
    try {
      const pod = await cluster.readPod(name);
      if (pod) return onFound(readPod(pod));
      missedAtMs.delete(name);
      missedAtMs.set(name, performance.now());
      if (missedAtMs.size > MAX_MISSED) missedAtMs.delete(missedAtMs.keys().next().value as string);
    } catch (error) {
      logger.warn({ err: error }, 'the cluster could not be asked for a pod');
    }
  }

  return async (name) => {
    const known = asking.get(name);
    if (known) return known;
    const isMissed = performance.now() - (missedAtMs.get(name) ?? -MISSED_MS) < MISSED_MS;
    if (isMissed || asking.size >= MAX_ASKING) return;
    const asked = ask(name).finally(() => asking.delete(name));
    asking.set(name, asked);
    return asked;
  };
}
