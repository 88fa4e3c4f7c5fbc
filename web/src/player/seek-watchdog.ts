/**
 * hls.js and the browser now and then agree that all is well while no picture comes after a seek, though the data is there.
 * Nothing reports that; this looks at the picture itself.
 */
export interface SeekFacts {
  /** Since when data for the moment has been buffered, in a row; null while it is not. */
  bufferedSinceMs: number | null;
  hasNewFrame: boolean;
  /** A hidden tab draws nothing: its silence means nothing. */
  isHidden: boolean;
  stepsTaken: number;
}

export type WatchdogStep = 'wait' | 'set-time-again' | 'recover-media' | 'stop';

/** Decoding from the last keyframe takes at most 2 s of film: far less than this. */
const PATIENCE_MS = 3_000;

export function planWatchdogStep(facts: SeekFacts, nowMs: number): WatchdogStep {
  if (facts.hasNewFrame || facts.stepsTaken >= 2) return 'stop';
  if (facts.isHidden || facts.bufferedSinceMs === null) return 'wait';
  // The second step only after the first one had its own time.
  if (nowMs - facts.bufferedSinceMs < PATIENCE_MS * (facts.stepsTaken + 1)) return 'wait';
  return facts.stepsTaken === 0 ? 'set-time-again' : 'recover-media';
}
