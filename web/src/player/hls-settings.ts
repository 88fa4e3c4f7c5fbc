/**
 * How hls.js is set up for segments that are made on demand (reasons: docs of each group). Pure, and free of hls.js itself.
 *
 * The server holds a request for at most 25 s before its first byte and then says 503; a segment that is being made comes as
 * a stream of half-second parts. So the first byte may take long, a 5xx is no failure, and only 4xx are final.
 */
const FIRST_BYTE_TIMEOUT_MS = 60_000;
const SEGMENT_TIMEOUT_MS = 180_000;
const PLAYLIST_TIMEOUT_MS = 60_000;
const MAX_TIMEOUT_RETRIES = 2;
const MAX_ERROR_RETRIES = 8;
const FIRST_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 4_000;
/** Loads ahead of the viewer, and what is kept behind: more would have the server encode what may never be watched. */
const FORWARD_BUFFER_SECONDS = 30;
const BACK_BUFFER_SECONDS = 60;
const MAX_BUFFER_HOLE_SECONDS = 0.3;
/** What is being encoded says nothing about the line: start from "fast", so that the first picture is the good one. */
const ASSUMED_BANDWIDTH_BITS_PER_SECOND = 30_000_000;

/** 4xx that mean "later", beside every 5xx; 0 is a connection that broke or never came up. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([0, 408, 425, 429]);

export function isRetryableStatus(status: number): boolean {
  return RETRYABLE_STATUSES.has(status) || (status >= 500 && status <= 599);
}

interface RetryLimit {
  maxNumRetry: number;
}

/** The `shouldRetry` of every load policy: hls.js's own rule does not retry a connection that broke. */
export function shouldRetryLoad(
  limit: RetryLimit | null | undefined,
  retryCount: number,
  isTimeout: boolean,
  response: { code?: number | undefined } | undefined,
): boolean {
  if (!limit || retryCount >= limit.maxNumRetry) return false;
  if (isTimeout) return true;
  return response?.code !== undefined && isRetryableStatus(response.code);
}

export interface PlaybackStart {
  /** Where to begin, in seconds; -1: at the beginning. */
  startSeconds: number;
  /** The language that the viewer chose last, as the playlist spells it. */
  audioLanguage: string | null;
}

export function buildHlsSettings({ startSeconds, audioLanguage }: PlaybackStart) {
  return {
    // Segments are shown while they are made; needs patches/hls.js.
    progressive: true,
    // The content security policy allows no blob: worker, and fMP4 needs no transmuxing worth one.
    enableWorker: false,
    lowLatencyMode: false,
    startPosition: startSeconds,
    startFragPrefetch: false,
    testBandwidth: false,
    capLevelToPlayerSize: true,
    maxBufferLength: FORWARD_BUFFER_SECONDS,
    maxMaxBufferLength: FORWARD_BUFFER_SECONDS,
    backBufferLength: BACK_BUFFER_SECONDS,
    maxBufferHole: MAX_BUFFER_HOLE_SECONDS,
    abrEwmaDefaultEstimate: ASSUMED_BANDWIDTH_BITS_PER_SECOND,
    abrEwmaDefaultEstimateMax: ASSUMED_BANDWIDTH_BITS_PER_SECOND,
    ...(audioLanguage ? { audioPreference: { lang: audioLanguage } } : {}),
    manifestLoadPolicy: loadPolicy(PLAYLIST_TIMEOUT_MS),
    playlistLoadPolicy: loadPolicy(PLAYLIST_TIMEOUT_MS),
    fragLoadPolicy: loadPolicy(SEGMENT_TIMEOUT_MS),
  };
}

function loadPolicy(maxLoadTimeMs: number) {
  const delays = { retryDelayMs: FIRST_RETRY_DELAY_MS, maxRetryDelayMs: MAX_RETRY_DELAY_MS, backoff: 'exponential' as const };
  return {
    default: {
      maxTimeToFirstByteMs: FIRST_BYTE_TIMEOUT_MS,
      maxLoadTimeMs,
      timeoutRetry: { maxNumRetry: MAX_TIMEOUT_RETRIES, ...delays, shouldRetry: shouldRetryLoad },
      errorRetry: { maxNumRetry: MAX_ERROR_RETRIES, ...delays, shouldRetry: shouldRetryLoad },
    },
  };
}
