/** What was asked for: bytes `[start, end)` of a file of this length. */
export type RangeAsked = { start: number; end: number; fileLengthBytes: number };

export type RangeAnswer =
  | { kind: 'body' }
  | { kind: 'redirect'; location: string }
  /** `retryAfterMs`: the server's own wish. */
  | { kind: 'failed'; reason: string; retryAfterMs: number };

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** A server that asks for more time than this is one that we do without. */
const RETRY_AFTER_MAX_MS = 60_000;

/**
 * Judges the head of an answer to a range request (RFC 9110 §14): exactly the bytes that were asked for, of a file of the
 * right length, as they are; anything else is not read at all. A whole small file as 200 is those bytes too.
 */
export function judgeRangeAnswer(status: number, headers: Headers, asked: RangeAsked): RangeAnswer {
  const { start, end, fileLengthBytes } = asked;
  const fail = (reason: string): RangeAnswer => ({
    kind: 'failed',
    reason,
    retryAfterMs: readRetryAfterMs(headers['retry-after']),
  });
  if ([301, 302, 303, 307, 308].includes(status)) {
    const { location } = headers;
    return typeof location === 'string' ? { kind: 'redirect', location } : fail('a redirect to nowhere');
  }
  const isWhole = status === 200 && start === 0 && end === fileLengthBytes;
  if (status !== 206 && !isWhole) return fail(`status ${status}`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return fail('an encoded body');
  if (status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(String(headers['content-range']));
    if (!range || Number(range[1]) !== start || Number(range[2]) !== end - 1) return fail('another range');
    if (range[3] !== '*' && Number(range[3]) !== fileLengthBytes) return fail('a file of another length');
  }
  const length = headers['content-length'];
  if (length !== undefined && Number(length) !== end - start) return fail('another length');
  return { kind: 'body' };
}

function readRetryAfterMs(value: string | string[] | undefined): number {
  const seconds = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : 0;
  return Math.min(seconds * 1000, RETRY_AFTER_MAX_MS);
}
