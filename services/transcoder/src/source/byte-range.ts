/** Half-open: `end` is the first byte that is not in it. */
export type ByteRange = { start: number; end: number };

/**
 * ffmpeg's `Range` header against a file (RFC 9110 §14.1.2). `undefined`: no header, the whole file; `null`: outside of
 * the file. ffmpeg asks only for `bytes=a-` and `bytes=a-b`; anything else counts as outside.
 */
export function parseRange(header: string | undefined, lengthBytes: number): ByteRange | null | undefined {
  if (header === undefined) return undefined;
  const match = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header);
  if (!match) return null;
  const start = Number(match[1]);
  const end = match[2] ? Math.min(Number(match[2]) + 1, lengthBytes) : lengthBytes;
  return start < end ? { start, end } : null;
}

/** `Content-Range: bytes a-b/length` of a 206, or null when it is none. */
export function parseContentRange(header: string | undefined): (ByteRange & { lengthBytes: number }) | null {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header ?? '');
  if (!match) return null;
  return { start: Number(match[1]), end: Number(match[2]) + 1, lengthBytes: Number(match[3]) };
}
