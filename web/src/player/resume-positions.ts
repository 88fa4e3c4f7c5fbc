/** Where a viewer was in a film. Belongs to the browser: the server keeps nothing of it. */
export interface ResumeEntry {
  seconds: number;
  savedAtMs: number;
}

export type ResumePositions = Readonly<Record<string, ResumeEntry>>;

/** A few hundred entries are tens of kilobytes; the oldest go first. */
const MAX_ENTRIES = 300;
/** The first moments are not a place to come back to, and the credits are the end. */
const IGNORE_FIRST_SECONDS = 10;
const IGNORE_LAST_SECONDS = 30;
const IGNORE_LAST_FRACTION = 0.04;

export function resumeKey(infoHash: string, fileIndex: number): string {
  return `${infoHash}/${fileIndex}`;
}

/** The positions with this one noted; near the start or the end it is forgotten instead. */
export function notePosition(
  positions: ResumePositions,
  key: string,
  seconds: number,
  durationSeconds: number,
  nowMs: number,
): ResumePositions {
  const { [key]: _old, ...others } = positions;
  const tail = Math.min(IGNORE_LAST_SECONDS, durationSeconds * IGNORE_LAST_FRACTION);
  if (seconds < Math.min(IGNORE_FIRST_SECONDS, durationSeconds / 10) || seconds > durationSeconds - tail) return others;
  const entries = Object.entries({ ...others, [key]: { seconds, savedAtMs: nowMs } });
  entries.sort(([, a], [, b]) => b.savedAtMs - a.savedAtMs);
  return Object.fromEntries(entries.slice(0, MAX_ENTRIES));
}

/** What the store held, whatever it was: damaged or foreign text is an empty record. */
export function parsePositions(text: string | null): ResumePositions {
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter(([, entry]) => isEntry(entry)));
  } catch {
    return {};
  }
}

function isEntry(value: unknown): value is ResumeEntry {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Partial<ResumeEntry>;
  return Number.isFinite(entry.seconds) && Number.isFinite(entry.savedAtMs);
}
