/** A stretch of the film that is in the browser, in seconds; half-open. */
export interface TimeSpan {
  startSeconds: number;
  endSeconds: number;
}

/** A seek into what is not buffered waits this long for the next one: a drag is one load, not thirty. */
export const SEEK_DEBOUNCE_MS = 200;
/** hls.js holds the last piece of a stream back, so a span's very end is not playable yet. */
const SPAN_END_MARGIN_SECONDS = 0.5;

/** True when the browser can show that moment without loading. */
export function isBuffered(spans: readonly TimeSpan[], seconds: number): boolean {
  return spans.some((span) => seconds >= span.startSeconds && seconds < span.endSeconds - SPAN_END_MARGIN_SECONDS);
}

/** At once where the moment is buffered, else after the debounce. */
export function planSeekDelayMs(spans: readonly TimeSpan[], seconds: number): number {
  return isBuffered(spans, seconds) ? 0 : SEEK_DEBOUNCE_MS;
}

/** A target inside the film; a little before its end, so that a jump to the end still shows the last picture. */
export function clampSeek(seconds: number, durationSeconds: number): number {
  if (!Number.isFinite(durationSeconds) || durationSeconds <= 0) return Math.max(0, seconds);
  return Math.min(Math.max(0, seconds), Math.max(0, durationSeconds - 0.2));
}
