/** Header of every read of a source: who waits for it. `held; seconds=12.5` or `ahead; seconds=60` (architecture §3.9). */
export const WANT_HEADER = 'x-lodestream-want';

/** `seconds` is the media time that the read is for: the downloader serves held before ahead, then the earlier time. */
export type Want = { urgency: 'held' | 'ahead'; seconds: number };

export function formatWant(want: Want): string {
  return `${want.urgency}; seconds=${Number(want.seconds.toFixed(3))}`;
}

/** Reads the header; a missing or odd one is `held` at 0, because whoever does not say is a viewer's own download. */
export function parseWant(header: string | undefined): Want {
  const match = /^(held|ahead); seconds=(\d{1,9}(?:\.\d{1,6})?)$/.exec(header ?? '');
  if (!match) return { urgency: 'held', seconds: 0 };
  return { urgency: match[1] as Want['urgency'], seconds: Number(match[2]) };
}
