import { z } from 'zod';
import { createWorkerClient } from '../worker-client.ts';
import type { ReadyWorkload } from '../workload.ts';

const EVERY_MS = 5000;
const ANSWER_MS = 3000;

const Answer = z.object({ idleSeconds: z.number() });

/** What workers answer when they are asked how they are: whether they can be reached, and when they were last of use. */
export type WorkerPulse = Disposable & {
  /** How long this workload has not answered; undefined: it does, or it has not been asked yet. */
  unreachableMs(uid: string): number | undefined;
  /** Seconds since its last access, now; undefined: it never said. */
  idleSeconds(uid: string): number | undefined;
};

export type WorkerPulseOptions = { tokenOf: (name: string) => string; targets: () => ReadyWorkload[] };

type Beat = { idleSeconds: number | undefined; answeredAtMs: number; isSilent: boolean };

/** Asks every ready workload for its status every 5 s. That is no access. */
export function createWorkerPulse({ tokenOf, targets }: WorkerPulseOptions): WorkerPulse {
  const client = createWorkerClient(tokenOf);
  const beats = new Map<string, Beat>();

  async function ask(workload: ReadyWorkload): Promise<void> {
    const beat = beats.get(workload.uid) ?? { idleSeconds: undefined, answeredAtMs: performance.now(), isSilent: false };
    beats.set(workload.uid, beat);
    try {
      const signal = AbortSignal.timeout(ANSWER_MS);
      beat.idleSeconds = (await client.json(workload, { path: '/status', signal }, Answer)).idleSeconds;
      beat.answeredAtMs = performance.now();
      beat.isSilent = false;
    } catch {
      beat.isSilent = true;
    }
  }

  const timer = setInterval(() => {
    const ready = targets();
    const uids = new Set(ready.map(({ uid }) => uid));
    for (const uid of beats.keys()) if (!uids.has(uid)) beats.delete(uid);
    for (const workload of ready) void ask(workload);
  }, EVERY_MS);
  timer.unref();

  return {
    unreachableMs(uid) {
      const beat = beats.get(uid);
      return beat?.isSilent ? performance.now() - beat.answeredAtMs : undefined;
    },
    idleSeconds(uid) {
      const beat = beats.get(uid);
      return beat?.idleSeconds === undefined ? undefined : beat.idleSeconds + (performance.now() - beat.answeredAtMs) / 1000;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      client[Symbol.dispose]();
    },
  };
}
