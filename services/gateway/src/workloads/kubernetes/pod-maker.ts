import type { V1Pod } from '@kubernetes/client-node';
import { delay, type Logger } from '@lodestream/service-kit';
import { buildProblem, type Problem } from '@lodestream/shared';
import type { ClusterClient } from './cluster-client.ts';
import { readApiError } from './read-api-error.ts';
import { isPodAlive, type PodView, readPod } from './read-pod.ts';

/** How long one tries to make a pod: longer than a restart of the API server, and than an old pod may take to leave. */
const TRY_MS = 90_000;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5000;
/** Between two looks whether an old pod has left its name. */
const LOOK_MS = 300;
/** The quota controller's own pace, after a pod has gone. */
const COUNTING_MS = 10_000;
const NO_ROOM_RETRY_SECONDS = 15;

export type PodMakerOptions = {
  cluster: ClusterClient;
  logger: Logger;
  /** Frees what the least recently used idle workload holds; false: none is idle. */
  makeRoom: () => Promise<boolean>;
};

export type Made = { pod: PodView } | { problem: Problem };

/**
 * Makes the pod of a name, or finds it made: by another replica, or by an attempt whose answer was lost. The name is what makes it
 * one. An old pod of the name that is over is deleted by its uid and waited for first.
 *
 * Gives a problem when it cannot be made now; rejects with the signal's reason.
 */
export async function makePod(pod: V1Pod, { cluster, logger, makeRoom }: PodMakerOptions, signal: AbortSignal): Promise<Made> {
  const deadlineMs = performance.now() + TRY_MS;
  let pauseMs = FIRST_PAUSE_MS;
  let roomMadeAtMs: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      const made = await createOrFind(pod, cluster);
      if (made) return { pod: made };
      await delay(LOOK_MS, signal);
    } catch (error) {
      signal.throwIfAborted();
      const { fault, message, retryAfterMs } = readApiError(error);
      if (fault === 'quota') {
        // What was freed is counted as free a moment later.
        const isCounting = roomMadeAtMs !== undefined && performance.now() - roomMadeAtMs < COUNTING_MS;
        if (!isCounting && (roomMadeAtMs !== undefined || !(await makeRoom())))
          return { problem: noRoom('The quota of the namespace is used up.') };
        roomMadeAtMs ??= performance.now();
        await delay(LOOK_MS, signal);
        continue;
      }
      if (fault === 'refused' || fault === 'gone') {
        logger.error({ message }, 'the cluster refuses a pod');
        return { problem: buildProblem('workload-failed', { detail: 'The cluster refuses the workload.' }) };
      }
      logger.warn({ message }, 'a pod could not be made yet');
      await delay(retryAfterMs ?? pauseMs, signal);
      pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2);
    }
    if (performance.now() > deadlineMs) return { problem: buildProblem('workload-failed') };
  }
}

/** undefined: an old pod of the name is on its way out. */
async function createOrFind(pod: V1Pod, cluster: ClusterClient): Promise<PodView | undefined> {
  try {
    return readPod(await cluster.createPod(pod));
  } catch (error) {
    if (readApiError(error).fault !== 'conflict') throw error;
  }
  const found = await cluster.readPod(pod.metadata?.name ?? '');
  if (!found) return undefined;
  const existing = readPod(found);
  if (isPodAlive(existing) && !existing.isBackingOff) return existing;
  // Nothing runs in it any more, so there is nothing to wait for.
  if (existing.deletedAtMs === undefined) await cluster.deletePod(existing.name, { uid: existing.uid }, 0);
  return undefined;
}

/** The cluster is full: it may have room in a moment. */
export function noRoom(detail: string): Problem {
  return buildProblem('busy', { detail, retryAfterSeconds: NO_ROOM_RETRY_SECONDS });
}
