import type { CallHome, WorkerSpec } from '@lodestream/shared';
import type { ReadyWorkload, Workload } from './workload.ts';

/**
 * Runs workers somewhere. The code above it is the same for child processes and for pods; one suite of tests runs
 * against every driver.
 */
export interface Orchestrator extends AsyncDisposable {
  /**
   * Makes sure that a workload of the spec's name exists, and returns at once. An existing live one is left as it is; one
   * that is terminal is replaced. Idempotent: concurrent calls make one.
   */
  ensure(spec: WorkerSpec): Workload;
  /** The workload once it answers. Rejects with the signal's reason, or with the problem that it ended in. */
  whenReady(name: string, signal: AbortSignal): Promise<ReadyWorkload>;
  /** Resolves when other gateways can find it; at once where there are none, or it is not being made. */
  made(name: string, signal: AbortSignal): Promise<void>;
  /** Looks for a workload of which nothing is known here: another gateway may have made it a moment ago. */
  lookFor(name: string, signal: AbortSignal): Promise<void>;
  /** Somebody is here and may want workloads soon: what can be made ready beforehand, is. */
  expect(): void;
  get(name: string): Workload | undefined;
  list(): Workload[];
  /** Called after every change of any workload; returns how to stop it. Never act inside it: note and plan. */
  watch(listener: (workload: Workload) => void): () => void;
  /** Ends a workload, if it still is the one with this uid, and forgets it. */
  remove(name: string, uid: string): Promise<void>;
  /** A worker says where it listens, from the address `from`. False when the token is not that worker's, or it is none of ours. */
  callHome(call: CallHome, token: string, from: string): boolean;
  /** The whole spec, for a worker that was started with a part of it; undefined when the token is not that worker's. */
  specOf(name: string, token: string): WorkerSpec | undefined;
  /** A run fell asleep or woke: what it reserved may be given back meanwhile, where the platform can do that. */
  setAsleep(name: string, isAsleep: boolean): void;
  /** The token of a workload, for requests to it. */
  tokenOf(name: string): string;
}
