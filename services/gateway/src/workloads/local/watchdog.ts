import { z } from 'zod';
import { createWorkerClient } from '../worker-client.ts';
import type { ReadyWorkload } from '../workload.ts';
import { readMemoryBytes } from './process-memory.ts';
import type { ProcessId } from './process-table.ts';

const EVERY_MS = 2000;
/** A hang is synchronous: nothing inside the process can see it (webtorrent.md §8.4). */
const SILENCE_MS = 10_000;
/** One hostile message can take gigabytes within seconds; the look at a process costs microseconds. */
const MEMORY_EVERY_MS = 500;

const Answer = z.object({ idleSeconds: z.number() });

export type WatchdogTarget = { workload: ReadyWorkload; process: ProcessId };

export type WatchdogOptions = {
  tokenOf: (name: string) => string;
  targets: () => WatchdogTarget[];
  /** Its status could not be had: it may have ended unseen, after so long without an access. */
  onGone: (workload: ReadyWorkload, idleSeconds: number) => void;
  onSilent: (workload: ReadyWorkload, process: ProcessId) => void;
  /** How much memory one may have, in bytes; undefined: no limit. */
  memoryLimit: (workload: ReadyWorkload) => number | undefined;
  onOversized: (workload: ReadyWorkload, process: ProcessId) => void;
};

/** Asks every local workload for its status every 2 s, and says which have been silent for 10 s, or have grown too large. */
export function createWatchdog(options: WatchdogOptions): Disposable {
  const client = createWorkerClient(options.tokenOf);
  const lastAnswerAt = new Map<string, number>();
  const lastIdleSeconds = new Map<string, number>();
  const check = async ({ workload, process }: WatchdogTarget) => {
    const since = lastAnswerAt.get(workload.uid) ?? performance.now();
    lastAnswerAt.set(workload.uid, since);
    try {
      const { idleSeconds } = await client.json(workload, { path: '/status', signal: AbortSignal.timeout(EVERY_MS) }, Answer);
      lastIdleSeconds.set(workload.uid, idleSeconds);
      lastAnswerAt.set(workload.uid, performance.now());
    } catch {
      const silentMs = performance.now() - since;
      options.onGone(workload, (lastIdleSeconds.get(workload.uid) ?? 0) + silentMs / 1000);
      if (silentMs >= SILENCE_MS) options.onSilent(workload, process);
    }
  };
  const timer = setInterval(() => {
    const targets = options.targets();
    const uids = new Set(targets.map((target) => target.workload.uid));
    for (const known of [lastAnswerAt, lastIdleSeconds]) for (const uid of known.keys()) if (!uids.has(uid)) known.delete(uid);
    for (const target of targets) void check(target);
  }, EVERY_MS);
  timer.unref();
  const memoryTimer = setInterval(() => {
    for (const { workload, process } of options.targets())
      if (readMemoryBytes(process) > (options.memoryLimit(workload) ?? Number.POSITIVE_INFINITY))
        options.onOversized(workload, process);
  }, MEMORY_EVERY_MS);
  memoryTimer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      clearInterval(memoryTimer);
      client[Symbol.dispose]();
    },
  };
}
