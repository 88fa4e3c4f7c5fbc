import type { Logger } from '@lodestream/service-kit';
import type { WorkerSpec } from '@lodestream/shared';
import type { ClusterClient } from './cluster-client.ts';
import { cpuRequest, type PodPlace } from './pod-manifest.ts';

/**
 * A sleeping run gives its CPU request back to its node, and takes it again when it wakes (in-place resize, Kubernetes 1.33 and
 * later). Where the cluster cannot do that, or may not, nothing changes. A run that wakes does not wait for its request: it says
 * only what the scheduler counts.
 */
export type CpuShares = Disposable & {
  set(spec: WorkerSpec, isAsleep: boolean): void;
  /** The pod has gone. */
  forget(name: string): void;
};

export type CpuSharesOptions = {
  cluster: ClusterClient;
  place: PodPlace;
  logger: Logger;
  /** What the pod requests now; undefined: it is not there. */
  requested: (name: string) => string | undefined;
};

/** Runs fall asleep and wake within seconds where a slot is short: only what stays is told to the cluster. */
const SETTLE_MS = 2000;

type Share = { wanted: string; timer: NodeJS.Timeout | undefined };

export function createCpuShares({ cluster, place, logger, requested }: CpuSharesOptions): CpuShares {
  const shares = new Map<string, Share>();
  let canResize = true;

  async function apply(name: string, share: Share): Promise<void> {
    share.timer = undefined;
    const now = requested(name);
    if (!canResize || now === undefined || now === share.wanted || shares.get(name) !== share) return;
    try {
      canResize = await cluster.resizePod(name, share.wanted);
      if (!canResize) logger.info('this cluster does not resize pods in place: sleeping runs keep their CPU request');
    } catch (error) {
      logger.debug({ err: error }, 'a CPU request could not be changed');
    }
  }

  return {
    set(spec, isAsleep) {
      const wanted = cpuRequest(spec, place, isAsleep);
      const share = shares.get(spec.name) ?? { wanted, timer: undefined };
      shares.set(spec.name, share);
      share.wanted = wanted;
      share.timer ??= setTimeout(() => void apply(spec.name, share), SETTLE_MS).unref();
    },
    forget(name) {
      clearTimeout(shares.get(name)?.timer);
      shares.delete(name);
    },
    [Symbol.dispose]() {
      for (const { timer } of shares.values()) clearTimeout(timer);
      shares.clear();
    },
  };
}
