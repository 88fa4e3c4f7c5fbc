/**
 * When a crashed workload may start again. Pure: a list of crash times in, a decision out. Locally 0, 1, 5 and 15 s;
 * after that the error is kept (architecture §7). The ladder is a parameter, so that one suite tests both drivers.
 */
export type CrashLadder = Readonly<{ delaysMs: readonly number[]; windowMs: number; keepErrorMs: number }>;

export const LOCAL_LADDER: CrashLadder = {
  delaysMs: [0, 1000, 5000, 15_000],
  /** Crashes longer ago are forgotten: five in ten minutes are one too many. */
  windowMs: 600_000,
  /** How long a request gets the kept error instead of another start. */
  keepErrorMs: 60_000,
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
