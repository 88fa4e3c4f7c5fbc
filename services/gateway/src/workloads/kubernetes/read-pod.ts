import type { V1ContainerStateTerminated, V1Pod } from '@kubernetes/client-node';
import { WorkerSpec } from '@lodestream/shared';
import { REMOVAL_GRACE_SECONDS, SPEC_ANNOTATION, TEMPLATE_ANNOTATION } from './pod-manifest.ts';

/** What the gateway needs to know of a pod. Times in ms since the epoch, by the cluster's clock. */
export type PodView = Readonly<{
  name: string;
  uid: string;
  resourceVersion: string;
  /** undefined: another version of the gateway wrote it, and this one cannot read it. */
  spec: WorkerSpec | undefined;
  template: string | undefined;
  phase: 'pending' | 'running' | 'succeeded' | 'failed';
  /** The kubelet has seen it answer. */
  isReady: boolean;
  ip: string | undefined;
  nodeName: string | undefined;
  /** What it requests of its node's CPU, as Kubernetes writes it. */
  cpu: string | undefined;
  createdAtMs: number;
  runningSinceMs: number | undefined;
  /** No node has room for it, since then. */
  unschedulableSinceMs: number | undefined;
  /** When it should be gone; undefined: nobody has deleted it. */
  deletedAtMs: number | undefined;
  /** A gateway deleted it, and it is to stay away. */
  isRemoval: boolean;
  /** The kubelet holds back the next start of its container. */
  isBackingOff: boolean;
  /** The last end of its container; a new one has another id. */
  exit: { id: string; code: number; reason: string; tail: string } | undefined;
  /** Why it waits, in Kubernetes' words, for logs and operators. */
  trouble: string;
}>;

const PHASES: Record<string, PodView['phase']> = { Running: 'running', Succeeded: 'succeeded', Failed: 'failed' };

/** Reads a pod as the API gave it: dates are `Date`s in a list, and text in a watch. */
export function readPod({ metadata, spec, status }: V1Pod): PodView {
  const container = status?.containerStatuses?.[0];
  const unscheduled = status?.conditions?.find(({ type, status: is, reason }) => isUnscheduled(type, is, reason));
  const waiting = container?.state?.waiting;
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    resourceVersion: metadata?.resourceVersion ?? '',
    spec: readSpec(metadata?.annotations?.[SPEC_ANNOTATION]),
    template: metadata?.annotations?.[TEMPLATE_ANNOTATION],
    phase: readPhase(spec?.restartPolicy, status?.phase, container?.state?.terminated),
    isReady: status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
    ip: status?.podIP,
    nodeName: spec?.nodeName,
    cpu: spec?.containers?.[0]?.resources?.requests?.['cpu'],
    createdAtMs: toMs(metadata?.creationTimestamp) ?? 0,
    runningSinceMs: toMs(container?.state?.running?.startedAt),
    unschedulableSinceMs: unscheduled && (toMs(unscheduled.lastTransitionTime) ?? 0),
    deletedAtMs: toMs(metadata?.deletionTimestamp),
    isRemoval: metadata?.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === REMOVAL_GRACE_SECONDS,
    isBackingOff: waiting?.reason === 'CrashLoopBackOff',
    exit: readExit(container?.state?.terminated ?? container?.lastState?.terminated),
    trouble: [unscheduled?.message, waiting?.reason, waiting?.message, status?.reason, status?.message].filter(Boolean).join(' '),
  };
}

/** It runs or will run: neither at its end nor deleted. */
export function isPodAlive(pod: PodView): boolean {
  return (pod.phase === 'pending' || pod.phase === 'running') && pod.deletedAtMs === undefined;
}

/**
 * What happened to a workload between two looks at its pod; every look is told once. `lost`: the pod went, and nobody of us wanted
 * it to. `expired`: the worker left by itself.
 */
export type PodNews = 'none' | 'crashed' | 'expired' | 'lost' | 'removed';

export function readNews(before: PodView | undefined, now: PodView | undefined): PodNews {
  const wasOver = before !== undefined && !isPodAlive(before);
  if (now === undefined || (before !== undefined && now.uid !== before.uid))
    return before === undefined || wasOver ? 'none' : 'lost';
  if (wasOver) return 'none';
  if (now.deletedAtMs !== undefined) return now.isRemoval ? 'removed' : 'lost';
  if (now.phase === 'succeeded') return 'expired';
  if (now.phase === 'failed') return 'crashed';
  const isNewExit = before !== undefined && now.exit !== undefined && now.exit.id !== before.exit?.id;
  return isNewExit && now.exit?.code !== 0 ? 'crashed' : 'none';
}

/** That a container which is not started again has ended is the end of its pod; the kubelet says that of the pod a second later. */
function readPhase(policy = '', phase = '', terminated: V1ContainerStateTerminated | undefined): PodView['phase'] {
  if (policy === 'Never' && terminated) return terminated.exitCode === 0 ? 'succeeded' : 'failed';
  return PHASES[phase] ?? 'pending';
}

function isUnscheduled(type: string, is: string, reason: string | undefined): boolean {
  return type === 'PodScheduled' && is === 'False' && reason === 'Unschedulable';
}

function readSpec(text: string | undefined): WorkerSpec | undefined {
  try {
    return WorkerSpec.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}

function readExit(terminated: V1ContainerStateTerminated | undefined): PodView['exit'] {
  if (!terminated) return undefined;
  const { containerID, exitCode, reason, message } = terminated;
  return { id: containerID ?? '', code: exitCode, reason: reason ?? '', tail: message ?? '' };
}

function toMs(time: Date | string | undefined): number | undefined {
  return time === undefined || time === null ? undefined : new Date(time).getTime();
}
