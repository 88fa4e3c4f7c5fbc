/** Nobody is in the middle of anything with a workload that was not used for so long. */
const IDLE_SECONDS = 30;

export type MaybeIdle = { name: string; uid: string; idleSeconds: number | undefined };

/** The least recently used of those that nobody uses now; undefined when there is none. */
export function pickIdlest(workloads: readonly MaybeIdle[]): { name: string; uid: string; idleSeconds: number } | undefined {
  return workloads
    .flatMap(({ name, uid, idleSeconds }) =>
      idleSeconds !== undefined && idleSeconds >= IDLE_SECONDS ? [{ name, uid, idleSeconds }] : [],
    )
    .sort((a, b) => b.idleSeconds - a.idleSeconds)[0];
}
