import { z } from 'zod';
import { createWorkerClient } from '../worker-client.ts';
import type { ReadyWorkload } from '../workload.ts';
import type { ProcessId } from './process-table.ts';

const EVERY_MS = 2000;
/** A hang is synchronous: nothing inside the process can see it (webtorrent.md §8.4). */
const SILENCE_MS = 10_000;

const Answer = z.object({ idleSeconds: z.number() });

export type WatchdogTarget = { workload: ReadyWorkload; process: ProcessId };

export type WatchdogOptions = {
  tokenOf: (name: string) => string;
  targets: () => WatchdogTarget[];
  /** Its status could not be had: it may have ended unseen, after so long without an access. */
  onGone: (workload: ReadyWorkload, idleSeconds: number) => void;
  onSilent: (workload: ReadyWorkload, process: ProcessId) => void;
};

/** Asks every local workload for its status every 2 s, and says which have been silent for 10 s. */
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
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      client[Symbol.dispose]();
    },
  };
}
