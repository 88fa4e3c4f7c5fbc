/** The rate of the last so many seconds is told: a shorter time jumps, a longer one lags behind what the viewer sees. */
const SPAN_MS = 5000;

/** Turns a counter that is looked at now and then into bytes per second. Clock in, number out. */
export function createRateMeter() {
  const looks: { at: number; bytes: number }[] = [];
  return {
    /** `bytes`: all that have come so far. */
    read(now: number, bytes: number): number {
      looks.push({ at: now, bytes });
      while (looks.length > 2 && (looks[1] as { at: number }).at <= now - SPAN_MS) looks.shift();
      const [first] = looks;
      if (!first || now <= first.at) return 0;
      return ((bytes - first.bytes) * 1000) / (now - first.at);
    },
  };
}
