/**
 * When a crashed workload may start again. Pure: a list of crash times in, a decision out. After the last step the error is
 * kept (architecture §7). The ladder is a parameter, so that one suite tests both drivers.
 */
export type CrashLadder = Readonly<{ delaysMs: readonly number[]; windowMs: number; keepErrorMs: number }>;

export const LOCAL_LADDER: CrashLadder = {
  delaysMs: [0, 1000, 5000, 15_000],
  /** Crashes longer ago are forgotten: five in ten minutes are one too many. */
  windowMs: 600_000,
  /** How long a request gets the kept error instead of another start. */
  keepErrorMs: 60_000,
};

/** A pod costs the cluster more than a process costs a machine, and what makes one crash takes longer to pass. */
export const KUBERNETES_LADDER: CrashLadder = {
  delaysMs: [0, 5000, 10_000, 20_000, 40_000, 80_000],
  windowMs: 600_000,
  keepErrorMs: 300_000,
};

export type RestartPlan = { do: 'restart'; atMs: number } | { do: 'fail'; untilMs: number };

/** Plans the next start after the last of `crashesAtMs` (ascending, same clock as `LOCAL_LADDER`). */
export function planRestart(ladder: CrashLadder, crashesAtMs: readonly number[], nowMs: number): RestartPlan {
  const recent = crashesAtMs.filter((at) => nowMs - at <= ladder.windowMs);
  const last = recent.at(-1) ?? nowMs;
  const wait = ladder.delaysMs[recent.length - 1];
  if (recent.length > 0 && wait === undefined) return { do: 'fail', untilMs: last + ladder.keepErrorMs };
  return { do: 'restart', atMs: last + (wait ?? 0) };
}
