import type { V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { REMOVAL_GRACE_SECONDS } from './pod-manifest.ts';
import { isPodAlive, type PodNews, type PodView, readNews, readPod } from './read-pod.ts';

type Terminated = { containerID: string; exitCode: number; reason: string; message?: string };

function pod(change: {
  phase?: string;
  uid?: string;
  deletionGracePeriodSeconds?: number;
  ready?: boolean;
  terminated?: Terminated;
  last?: Terminated;
  waiting?: string;
  unschedulable?: boolean;
  restartPolicy?: string;
}): PodView {
  const conditions = [
    { type: 'Ready', status: change.ready ? 'True' : 'False' },
    ...(change.unschedulable
      ? [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes', lastTransitionTime: TIME }]
      : []),
  ];
  const state = change.terminated
    ? { terminated: change.terminated }
    : change.waiting
      ? { waiting: { reason: change.waiting } }
      : { running: { startedAt: TIME } };
  const isDeleted = change.deletionGracePeriodSeconds !== undefined;
  return readPod({
    metadata: {
      name: 'dl-a',
      uid: change.uid ?? 'u',
      resourceVersion: '7',
      creationTimestamp: TIME,
      ...(isDeleted ? { deletionTimestamp: TIME, deletionGracePeriodSeconds: change.deletionGracePeriodSeconds } : {}),
    },
    spec: {
      nodeName: 'node-1',
      restartPolicy: change.restartPolicy ?? 'OnFailure',
      containers: [{ name: 'worker', resources: { requests: { cpu: '250m' } } }],
    },
    status: {
      phase: change.phase ?? 'Running',
      podIP: '10.0.0.9',
      conditions,
      containerStatuses: [{ name: 'worker', state, ...(change.last ? { lastState: { terminated: change.last } } : {}) }],
    },
  } as unknown as V1Pod);
}

/** As a watch writes it; a list has a `Date`. */
const TIME = '2026-11-21T10:00:00Z';
const crash: Terminated = { containerID: 'c-1', exitCode: 137, reason: 'OOMKilled', message: 'the end of the log' };

describe('readPod', () => {
  it('takes the end of a container that is not started again for the end of its pod, and tells of it once', () => {
    const running = pod({ restartPolicy: 'Never' });
    const ended = pod({ restartPolicy: 'Never', terminated: crash });
    const said = pod({ restartPolicy: 'Never', terminated: crash, phase: 'Failed' });
    expect([isPodAlive(running), isPodAlive(ended)]).toEqual([true, false]);
    expect([readNews(running, ended), readNews(ended, said)]).toEqual(['crashed', 'none']);
    const left = pod({ restartPolicy: 'Never', terminated: { ...crash, exitCode: 0 } });
    expect([left.phase, readNews(running, left)]).toEqual(['succeeded', 'expired']);
    expect(isPodAlive(pod({ terminated: crash }))).toBe(true);
  });

  it('reads what the gateway needs', () => {
    expect(pod({ ready: true })).toMatchObject({
      phase: 'running',
      isReady: true,
      ip: '10.0.0.9',
      nodeName: 'node-1',
      cpu: '250m',
      runningSinceMs: Date.parse(TIME),
      deletedAtMs: undefined,
      unschedulableSinceMs: undefined,
      exit: undefined,
    });
    expect(pod({ phase: 'Pending', unschedulable: true })).toMatchObject({
      unschedulableSinceMs: Date.parse(TIME),
      trouble: '0/1 nodes',
    });
    expect(pod({ last: crash })).toMatchObject({
      exit: { id: 'c-1', code: 137, reason: 'OOMKilled', tail: 'the end of the log' },
    });
    expect(pod({ waiting: 'CrashLoopBackOff', last: crash })).toMatchObject({ isBackingOff: true });
  });

  it('takes a pod that another version wrote, without its spec', () => {
    const strange = readPod({ metadata: { name: 'dl-a', annotations: { 'lodestream.io/spec': '{"kind":"new"}' } } });
    expect(strange).toMatchObject({ name: 'dl-a', spec: undefined, phase: 'pending' });
    expect(isPodAlive(strange)).toBe(true);
  });
});

describe('readNews', () => {
  const running = pod({});
  const cases: [string, PodView | undefined, PodView | undefined, PodNews][] = [
    ['a pod that appears', undefined, running, 'none'],
    ['a pod that becomes ready', running, pod({ ready: true }), 'none'],
    ['a container that ended badly', running, pod({ terminated: crash }), 'crashed'],
    ['one that the kubelet has started again already', running, pod({ last: crash }), 'crashed'],
    ['the same crash, seen again', pod({ terminated: crash }), pod({ last: crash }), 'none'],
    ['a second crash', pod({ last: crash }), pod({ terminated: { ...crash, containerID: 'c-2' } }), 'crashed'],
    ['a past crash of a pod that is seen for the first time', undefined, pod({ last: crash }), 'none'],
    ['a pod that failed', running, pod({ phase: 'Failed', terminated: crash }), 'crashed'],
    ['a worker that left by itself', running, pod({ phase: 'Succeeded' }), 'expired'],
    ['a pod that a gateway deleted', running, pod({ deletionGracePeriodSeconds: REMOVAL_GRACE_SECONDS }), 'removed'],
    ['a pod that somebody deleted', running, pod({ deletionGracePeriodSeconds: 30 }), 'lost'],
    ['a pod that is gone at once', running, undefined, 'lost'],
    ['a pod of the same name that is another one', running, pod({ uid: 'v' }), 'lost'],
    ['the end of one that was being deleted', pod({ deletionGracePeriodSeconds: 30 }), undefined, 'none'],
    ['the exit of one that was being deleted', pod({ deletionGracePeriodSeconds: 30 }), pod({ phase: 'Failed' }), 'none'],
    ['the end of one that had left', pod({ phase: 'Succeeded' }), undefined, 'none'],
  ];
  it.each(cases)('%s', (_name, before, now, news) => {
    expect(readNews(before, now)).toBe(news);
  });
});
