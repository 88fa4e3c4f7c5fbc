import { randomUUID } from 'node:crypto';
import { type Logger, ProblemError, withSignal } from '@lodestream/service-kit';
import { buildProblem, type WorkerSpec } from '@lodestream/shared';
import { type CrashLadder, countCrash, planRestart } from './crash-ladder.ts';
import { isAlive, isReady, type ReadyWorkload, type Workload } from './workload.ts';
import { logId } from './workload-name.ts';

/** What every driver keeps of a workload; each adds what it needs to find the process or pod behind it. */
export type TableEntry = {
  workload: Workload;
  /** Of `performance.now()`, ascending; those longer ago than the ladder looks back are dropped. */
  crashesAtMs: number[];
  /** When what runs for it was started last, by the same clock. */
  startedAtMs: number;
  /** What happens to it next by itself: its next start, or that it is forgotten. */
  timer: NodeJS.Timeout | undefined;
};

export type TableOptions<E extends TableEntry> = {
  key: Buffer;
  logger: Logger;
  ladder: CrashLadder;
  /** Starts it again after a crash; only downloaders are. */
  restart(entry: E): void;
  /** It will not be started again by itself: what is left of it goes. May be called more than once. */
  discard(entry: E): void;
};

/**
 * The workloads of a driver, by name: who hears of them, who waits for them, and what becomes of one that crashed.
 *
 * T1. A name has one entry.
 * T2. Only downloaders are started again by themselves: others read from them. A run or probe is asked for anew.
 */
export type WorkloadTable<E extends TableEntry> = {
  entry(name: string): E | undefined;
  entries(): E[];
  put(entry: E): void;
  update(entry: E, change: Partial<Workload>): void;
  forget(entry: E): void;
  /** The next start after a crash, the end of a run, or the error that is kept: as the ladder says. */
  crash(entry: E): void;
  /** It will not be tried again for so long, and whoever asks gets the problem. */
  fail(entry: E, problem: Workload['problem'], keepMs: number): void;
  whenReady(name: string, signal: AbortSignal): Promise<ReadyWorkload>;
  list(): Workload[];
  watch(listener: (workload: Workload) => void): () => void;
  clear(): void;
};

/** What is about to be started. */
export function newTableEntry(spec: WorkerSpec, crashesAtMs: number[]): TableEntry {
  return { workload: newWorkload(spec), crashesAtMs, startedAtMs: performance.now(), timer: undefined };
}

function newWorkload(spec: WorkerSpec): Workload {
  return {
    name: spec.name,
    uid: randomUUID(),
    phase: 'starting',
    address: undefined,
    spec,
    problem: undefined,
    startedAt: Date.now(),
  };
}

export function createWorkloadTable<E extends TableEntry>(options: TableOptions<E>): WorkloadTable<E> {
  const { key, logger, ladder, discard, restart } = options;
  const entries = new Map<string, E>();
  const listeners = new Set<(workload: Workload) => void>();

  const table: WorkloadTable<E> = {
    entry: (name) => entries.get(name),
    entries: () => [...entries.values()],
    put(entry) {
      entries.set(entry.workload.name, entry);
    },
    update(entry, change) {
      entry.workload = { ...entry.workload, ...change };
      const { name, phase, spec } = entry.workload;
      logger.debug({ kind: spec.kind, workload: logId(key, name), phase }, 'workload');
      for (const listener of [...listeners]) listener(entry.workload);
    },
    forget(entry) {
      clearTimeout(entry.timer);
      discard(entry);
      if (entries.get(entry.workload.name) === entry) entries.delete(entry.workload.name);
      table.update(entry, { phase: 'ended' });
    },
    crash(entry) {
      clearTimeout(entry.timer);
      const now = performance.now();
      // A run that lived long may still have died of the same frame as the one before it.
      const startedAtMs = entry.workload.spec.kind === 'downloader' ? entry.startedAtMs : now;
      entry.crashesAtMs = countCrash(ladder, entry.crashesAtMs, startedAtMs, now);
      const plan = planRestart(ladder, entry.crashesAtMs, now);
      if (plan.do === 'fail') {
        const problem = buildProblem('workload-failed', { retryAfterSeconds: Math.ceil(ladder.keepErrorMs / 1000) });
        return table.fail(entry, problem, plan.untilMs - now);
      }
      if (entry.workload.spec.kind !== 'downloader') {
        discard(entry);
        table.update(entry, { phase: 'ended', problem: buildProblem('workload-failed') });
        // Its crashes count for as long as the ladder looks back.
        later(entry, ladder.windowMs, () => table.forget(entry));
        return;
      }
      table.update(entry, { phase: 'restarting', uid: randomUUID() });
      later(entry, plan.atMs - now, () => {
        table.update(entry, { phase: 'starting' });
        restart(entry);
      });
    },
    fail(entry, problem, keepMs) {
      clearTimeout(entry.timer);
      discard(entry);
      table.update(entry, { phase: 'failed', problem });
      later(entry, keepMs, () => table.forget(entry));
    },
    async whenReady(name, signal) {
      for (;;) {
        const workload = entries.get(name)?.workload;
        if (isReady(workload)) return workload;
        if (!isAlive(workload))
          throw workload?.problem
            ? new ProblemError(workload.problem.code, workload.problem)
            : new ProblemError('workload-failed');
        await nextChange(name, signal);
      }
    },
    list: () => table.entries().flatMap(({ workload }) => (workload.phase === 'ended' ? [] : [workload])),
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clear() {
      for (const entry of entries.values()) clearTimeout(entry.timer);
      entries.clear();
    },
  };

  function later(entry: E, ms: number, act: () => void): void {
    entry.timer = setTimeout(act, Math.max(0, ms)).unref();
  }

  function nextChange(name: string, signal: AbortSignal): Promise<void> {
    let stop = () => {};
    const changed = new Promise<void>((resolve) => {
      stop = table.watch((workload) => workload.name === name && resolve());
    });
    return withSignal(changed, signal).finally(stop);
  }

  return table;
}
