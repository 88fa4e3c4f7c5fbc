/** Bytes of a file, half-open. Only the HTTP header counts inclusively. */
export type ByteRange = { start: number; end: number };

export type RangeOutcome = { kind: 'whole' } | { kind: 'part'; range: ByteRange } | { kind: 'unsatisfiable' };

/** One range, spaces allowed where nginx allows them; what RFC 9110 §14.1.2 writes. */
const ONE_RANGE = /^[ \t]*(?:(\d+)[ \t]*-[ \t]*(\d*)|-[ \t]*(\d+))[ \t]*$/;

/**
 * What a request is to be answered with (RFC 9110 §14), as nginx would: one byte range, or the whole where the header is
 * absent, in another unit, of several ranges (we never make multipart answers), or about another version than ours
 * (`If-Range`: strong comparison with our ETag only; we have no dates, so a date never matches). A range in bytes that is
 * no range at all is refused, which the RFC leaves open (§14.2).
 */
export function planRange(
  headers: { range?: string | undefined; ifRange?: string | undefined },
  etag: string,
  lengthBytes: number,
): RangeOutcome {
  if (headers.ifRange !== undefined && headers.ifRange.trim() !== etag) return { kind: 'whole' };
  const spec = /^bytes=(.+)$/i.exec(headers.range?.trim() ?? '')?.[1];
  if (spec === undefined || spec.includes(',')) return { kind: 'whole' };
  const match = ONE_RANGE.exec(spec);
  if (!match) return { kind: 'unsatisfiable' };
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const suffixBytes = Math.min(Number(suffix), lengthBytes);
    if (suffixBytes === 0) return { kind: 'unsatisfiable' };
    return { kind: 'part', range: { start: lengthBytes - suffixBytes, end: lengthBytes } };
  }
  const start = Number(first);
  const end = Math.min(last === '' ? lengthBytes : Number(last) + 1, lengthBytes);
  return start < end ? { kind: 'part', range: { start, end } } : { kind: 'unsatisfiable' };
}

/** The `Content-Range` of a 206. */
export function formatContentRange(range: ByteRange, lengthBytes: number): string {
  return `bytes ${range.start}-${range.end - 1}/${lengthBytes}`;
}
