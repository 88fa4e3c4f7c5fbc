/** A stretch of the film that is in the browser, in seconds; half-open. */
export interface TimeSpan {
  startSeconds: number;
  endSeconds: number;
}

/** A seek into what is not buffered waits this long for the next one: a drag is one load, not thirty. */
export const SEEK_DEBOUNCE_MS = 200;
/**
 * Each load that one gesture has made makes the next wait so many times longer: on a busy machine the moves of a drag come far
 * apart, and every load starts an encoder.
 */
const GESTURE_BACKOFF = 4;
const MAX_DEBOUNCE_MS = 1000;
/** Moves further apart than this are gestures of their own. */
export const GESTURE_REST_MS = 2500;
/** hls.js holds the last piece of a stream back, so a span's very end is not playable yet. */
const SPAN_END_MARGIN_SECONDS = 0.5;

/** True when the browser can show that moment without loading. */
export function isBuffered(spans: readonly TimeSpan[], seconds: number): boolean {
  return spans.some((span) => seconds >= span.startSeconds && seconds < span.endSeconds - SPAN_END_MARGIN_SECONDS);
}

/** At once where the moment is buffered, else after the debounce, which grows with the loads of this gesture. */
export function planSeekDelayMs(spans: readonly TimeSpan[], seconds: number, gestureLoads = 0): number {
  if (isBuffered(spans, seconds)) return 0;
  return Math.min(MAX_DEBOUNCE_MS, SEEK_DEBOUNCE_MS * GESTURE_BACKOFF ** gestureLoads);
}

/** A target inside the film; a little before its end, so that a jump to the end still shows the last picture. */
export function clampSeek(seconds: number, durationSeconds: number): number {
  if (!Number.isFinite(durationSeconds) || durationSeconds <= 0) return Math.max(0, seconds);
  return Math.min(Math.max(0, seconds), Math.max(0, durationSeconds - 0.2));
}
