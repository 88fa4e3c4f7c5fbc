import type { Problem, WorkerSpec } from '@lodestream/shared';

export type WorkloadAddress = { host: string; port: number };

/**
 * `starting` until it has called home, `ready` while it answers, `restarting` while a crashed one waits for its next
 * start, `failed` once it has crashed too often (the error is kept for a while), `ended` when it is gone.
 */
export type WorkloadPhase = 'starting' | 'ready' | 'restarting' | 'failed' | 'ended';

/** A process that we run for one torrent, probe or run: a pod or a child process. */
export type Workload = Readonly<{
  name: string;
  /** Differs between two workloads of one name: a removal is for one of them. */
  uid: string;
  phase: WorkloadPhase;
  address: WorkloadAddress | undefined;
  spec: WorkerSpec;
  problem: Problem | undefined;
  startedAt: number;
}>;

export type ReadyWorkload = Workload & { address: WorkloadAddress };

export function isReady(workload: Workload | undefined): workload is ReadyWorkload {
  return workload?.phase === 'ready' && workload.address !== undefined;
}

export function isAlive(workload: Workload | undefined): boolean {
  return workload?.phase === 'starting' || workload?.phase === 'ready' || workload?.phase === 'restarting';
}
