import { isPodAlive, type PodView } from './read-pod.ts';

/** What is known of a pod besides what the cluster says. */
export type ObservedPod = {
  pod: PodView;
  /** How long it has not answered; undefined: it does, or has not been asked. */
  unreachableMs: number | undefined;
  /** How long since its last access, as it said last. */
  idleSeconds: number | undefined;
  /** Another version of the gateway, or of its settings, made it. */
  isOutdated: boolean;
};

export type CollectionReason =
  | 'ended'
  | 'unschedulable'
  | 'pending'
  | 'silent'
  | 'unreachable'
  | 'stuck'
  | 'outdated'
  | 'unreadable';

/**
 * How it goes. `remove`: the other gateways see that it is to stay away. `delete`: it may come back. `force`: it may come back at
 * once, for the API forgets it without waiting for a kubelet that may not be there any more; one that is there kills it.
 */
export type Collection = { pod: PodView; reason: CollectionReason; how: 'remove' | 'delete' | 'force' };

/** Long enough that a node that just fills up is no failure, and short of a viewer's patience. */
const UNSCHEDULABLE_MS = 60_000;
/** Pulls of images included. */
const PENDING_MS = 120_000;
/** Longer than the startup probe, by which the kubelet itself ends what never answers. */
const SILENT_MS = 90_000;
/** Three questions without an answer. */
const UNREACHABLE_MS = 15_000;
/** Beyond its grace: the kubelet ends a container a moment after it at the latest. */
const STUCK_MS = 15_000;
/** What an upgrade left behind is let go where nobody is in the middle of anything. */
const OUTDATED_IDLE_SECONDS = 30;

/**
 * Which pods go: what has ended, is stuck or cannot be reached. `nowMs` by the cluster's clock.
 *
 * A gateway that reaches nobody is more likely cut off itself than alone with the dead: then the cluster's word is needed, too,
 * which is that of kubelets beside the pods.
 */
export function planCollection(observed: readonly ObservedPod[], nowMs: number): Collection[] {
  const isHeard = observed.some(({ unreachableMs, idleSeconds }) => unreachableMs === undefined && idleSeconds !== undefined);
  return observed.flatMap((each) => {
    const found = judge(each, isHeard, nowMs);
    return found ? [{ pod: each.pod, ...found }] : [];
  });
}

function judge(observed: ObservedPod, isHeard: boolean, nowMs: number): Omit<Collection, 'pod'> | undefined {
  const { pod, unreachableMs, idleSeconds, isOutdated } = observed;
  const isUnreachable = (isHeard || !pod.isReady) && unreachableMs !== undefined && unreachableMs >= UNREACHABLE_MS;
  if (pod.deletedAtMs !== undefined) {
    const isStuck = nowMs - pod.deletedAtMs >= STUCK_MS;
    return isStuck || isUnreachable ? { reason: 'stuck', how: 'force' } : undefined;
  }
  if (!isPodAlive(pod)) return { reason: 'ended', how: 'remove' };
  if (pod.spec === undefined) return { reason: 'unreadable', how: 'remove' };
  if (pod.phase === 'pending') {
    if (pod.unschedulableSinceMs !== undefined && nowMs - pod.unschedulableSinceMs >= UNSCHEDULABLE_MS)
      return { reason: 'unschedulable', how: 'remove' };
    return nowMs - pod.createdAtMs >= PENDING_MS ? { reason: 'pending', how: 'delete' } : undefined;
  }
  if (isUnreachable) return { reason: 'unreachable', how: 'force' };
  const isSilent = !pod.isReady && pod.runningSinceMs !== undefined && nowMs - pod.runningSinceMs >= SILENT_MS;
  if (isSilent && idleSeconds === undefined) return { reason: 'silent', how: 'delete' };
  if (isOutdated && idleSeconds !== undefined && idleSeconds >= OUTDATED_IDLE_SECONDS)
    return { reason: 'outdated', how: 'remove' };
  return undefined;
}
