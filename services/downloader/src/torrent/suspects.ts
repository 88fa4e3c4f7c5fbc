/** Who was connected when a process died: one of them may have killed it (webtorrent.md §8.4). */
export const SUSPECTS_MAX = 20;

/** The last of those who connected, youngest last: it was the youngest connection as often as not. */
export function planSuspects(connected: readonly string[]): string[] {
  const youngest = new Set<string>();
  for (const address of connected) {
    youngest.delete(address);
    youngest.add(address);
  }
  return [...youngest].slice(-SUSPECTS_MAX);
}
