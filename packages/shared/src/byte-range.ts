/** Bytes of a file, half-open. Only the HTTP header counts inclusively. */
export type ByteRange = { start: number; end: number };

export type RangeOutcome = { kind: 'whole' } | { kind: 'part'; range: ByteRange } | { kind: 'unsatisfiable' };

/**
 * What a GET is to be answered with (RFC 9110 §14): one byte range, or the whole where the header is absent, in another
 * unit, malformed, of several ranges (we never make multipart answers), or about another version than ours (`If-Range`:
 * strong comparison with our ETag only; we have no dates, so a date never matches).
 */
export function planRange(
  headers: { range?: string | undefined; ifRange?: string | undefined },
  etag: string,
  lengthBytes: number,
): RangeOutcome {
  if (headers.range === undefined) return { kind: 'whole' };
  if (headers.ifRange !== undefined && headers.ifRange.trim() !== etag) return { kind: 'whole' };
  const match = /^bytes=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/i.exec(headers.range.trim());
  if (!match) return { kind: 'whole' };
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const suffixBytes = Math.min(Number(suffix), lengthBytes);
    if (suffixBytes === 0) return { kind: 'unsatisfiable' };
    return { kind: 'part', range: { start: lengthBytes - suffixBytes, end: lengthBytes } };
  }
  const start = Number(first);
  const end = last === undefined || last === '' ? lengthBytes : Number(last) + 1;
  if (end <= start && last !== '') return { kind: 'whole' };
  if (start >= lengthBytes) return { kind: 'unsatisfiable' };
  return { kind: 'part', range: { start, end: Math.min(end, lengthBytes) } };
}

/** The `Content-Range` of a 206. */
export function formatContentRange(range: ByteRange, lengthBytes: number): string {
  return `bytes ${range.start}-${range.end - 1}/${lengthBytes}`;
}
