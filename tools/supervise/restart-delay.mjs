/** sysexits EX_CONFIG: the settings are wrong, and they will be wrong again. */
const EXIT_CONFIG = 78;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** Whoever ran so long did not crash because of the crash before. */
const HEALTHY_AFTER_MS = 60_000;

/**
 * How long to wait before a service that has ended is started again, or null when its end is final: it was asked to end
 * (0), or its settings are wrong (78). `crashes` counts the ends in a row, and is given back for the next time.
 */
export function planRestart({ exitCode, uptimeMs, crashes }) {
  if (exitCode === 0 || exitCode === EXIT_CONFIG) return null;
  const inARow = uptimeMs >= HEALTHY_AFTER_MS ? 1 : crashes + 1;
  return { delayMs: Math.min(FIRST_DELAY_MS * 2 ** (inARow - 1), MAX_DELAY_MS), crashes: inARow };
}
