import { createWorkerClient } from '../worker-client.ts';
import type { ReadyWorkload } from '../workload.ts';
import type { ProcessId } from './process-table.ts';
import { z } from 'zod';

const EVERY_MS = 2000;
/** A hang is synchronous: nothing inside the process can see it (webtorrent.md §8.4). */
const SILENCE_MS = 10_000;

export type WatchdogTarget = { workload: ReadyWorkload; process: ProcessId };

export type WatchdogOptions = {
  tokenOf: (name: string) => string;
  targets: () => WatchdogTarget[];
  /** Its status could not be had: it may have ended unseen. */
  onGone: (workload: ReadyWorkload) => void;
  onSilent: (workload: ReadyWorkload, process: ProcessId) => void;
};

/** Asks every local workload for its status every 2 s, and says which have been silent for 10 s. */
export function createWatchdog(options: WatchdogOptions): Disposable {
  const client = createWorkerClient(options.tokenOf);
  const lastAnswerAt = new Map<string, number>();
  const check = async ({ workload, process }: WatchdogTarget) => {
    const since = lastAnswerAt.get(workload.uid) ?? performance.now();
    lastAnswerAt.set(workload.uid, since);
    try {
      await client.json(workload, { path: '/status', signal: AbortSignal.timeout(EVERY_MS) }, z.unknown());
      lastAnswerAt.set(workload.uid, performance.now());
    } catch {
      options.onGone(workload);
      if (performance.now() - since >= SILENCE_MS) options.onSilent(workload, process);
    }
  };
  const timer = setInterval(() => {
    const targets = options.targets();
    const uids = new Set(targets.map((target) => target.workload.uid));
    for (const uid of lastAnswerAt.keys()) if (!uids.has(uid)) lastAnswerAt.delete(uid);
    for (const target of targets) void check(target);
  }, EVERY_MS);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      client[Symbol.dispose]();
    },
  };
}
