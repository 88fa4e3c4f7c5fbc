/** What a torrent that is open here costs and when it was last wanted. */
export type OpenTorrent = Readonly<{ name: string; uid: string; idleSeconds: number; diskBytes: number }>;

export type AdmissionPlan = { do: 'admit' } | { do: 'evict-then-admit'; torrent: OpenTorrent } | { do: 'refuse' };

/** A torrent that was wanted more recently than this has a viewer: a pause for a phone call is not idleness. */
const IDLE_SECONDS = 30;

/** Whether one more torrent may come in: below the cap yes; at it the least recently used idle one goes, else no. */
export function planAdmission(open: readonly OpenTorrent[], maxTorrents: number): AdmissionPlan {
  if (open.length < maxTorrents) return { do: 'admit' };
  const idlest = leastRecentlyUsed(open);
  return idlest ? { do: 'evict-then-admit', torrent: idlest } : { do: 'refuse' };
}

/** Which torrents go so that the disk keeps within its budget: least recently used idle ones, as few as do it. */
export function planDiskEviction(open: readonly OpenTorrent[], usedBytes: number, budgetBytes: number): OpenTorrent[] {
  const evicted: OpenTorrent[] = [];
  let left = usedBytes;
  for (let rest = [...open]; left > budgetBytes; ) {
    const next = leastRecentlyUsed(rest);
    if (!next) break;
    evicted.push(next);
    left -= next.diskBytes;
    rest = rest.filter((torrent) => torrent !== next);
  }
  return evicted;
}

function leastRecentlyUsed(open: readonly OpenTorrent[]): OpenTorrent | undefined {
  return open.filter((torrent) => torrent.idleSeconds >= IDLE_SECONDS).sort((a, b) => b.idleSeconds - a.idleSeconds)[0];
}
