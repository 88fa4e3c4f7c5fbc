/**
 * When a crashed workload may start again. Pure: a list of crash times in, a decision out. After the last step the error is
 * kept (architecture §7). The ladder is a parameter, so that one suite tests both drivers.
 *
 * It is for what crashes again and again at once: a torrent that ends every process that opens it. One that has worked
 * for a while before is started anew at once, whatever was before; somebody is watching by it.
 */
export type CrashLadder = Readonly<{
  delaysMs: readonly number[];
  windowMs: number;
  keepErrorMs: number;
  /** Who has lived for so long begins at the foot of the ladder. */
  steadyMs: number;
}>;

export const LOCAL_LADDER: CrashLadder = {
  delaysMs: [0, 1000, 5000, 15_000],
  /** Crashes longer ago are forgotten: five in ten minutes are one too many. */
  windowMs: 600_000,
  /** How long a request gets the kept error instead of another start. */
  keepErrorMs: 60_000,
  /** A hostile peer is dialled in the first second, and its message ends a process at once. */
  steadyMs: 5000,
};

/** A pod costs the cluster more than a process costs a machine, and what makes one crash takes longer to pass. */
export const KUBERNETES_LADDER: CrashLadder = {
  delaysMs: [0, 5000, 10_000, 20_000, 40_000, 80_000],
  windowMs: 600_000,
  keepErrorMs: 300_000,
  steadyMs: 5000,
};

export type RestartPlan = { do: 'restart'; atMs: number } | { do: 'fail'; untilMs: number };

/** The crashes that count after one at `nowMs` of a process that was started at `startedAtMs`. */
export function countCrash(ladder: CrashLadder, crashesAtMs: readonly number[], startedAtMs: number, nowMs: number): number[] {
  if (nowMs - startedAtMs >= ladder.steadyMs) return [nowMs];
  return [...crashesAtMs, nowMs].filter((at) => nowMs - at <= ladder.windowMs);
}

/** Plans the next start after the last of `crashesAtMs` (ascending, same clock as `LOCAL_LADDER`). */
export function planRestart(ladder: CrashLadder, crashesAtMs: readonly number[], nowMs: number): RestartPlan {
  const recent = crashesAtMs.filter((at) => nowMs - at <= ladder.windowMs);
  const last = recent.at(-1) ?? nowMs;
  const wait = ladder.delaysMs[recent.length - 1];
  if (recent.length > 0 && wait === undefined) return { do: 'fail', untilMs: last + ladder.keepErrorMs };
  return { do: 'restart', atMs: last + (wait ?? 0) };
}
