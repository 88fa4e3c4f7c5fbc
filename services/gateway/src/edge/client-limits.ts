import { isIPv6 } from 'node:net';
import { ProblemError } from '@lodestream/service-kit';
import type { Store } from '../state/store.ts';

/** Limits of one client, counted by address prefix: IPv4 /32, IPv6 /64, for a /64 is what one line is given (security.md §6.3). */
export const CLIENT_LIMITS = {
  requests: { limit: 200, windowSeconds: 10 },
  newTorrents: { limit: 10, windowSeconds: 600 },
  /** A player loads two segments at a time; several tabs and people share an address. */
  openMedia: 30,
  openEvents: 12,
} as const;

export type ClientLimits = {
  takeRequest(ip: string): Promise<void>;
  takeNewTorrent(ip: string): Promise<void>;
  /** Counts an open stream of the kind; what is returned ends it. */
  openStream(ip: string, kind: 'openMedia' | 'openEvents'): () => void;
};

/** Throws `rate-limited`; on a media path a 429 would be final to players, so streams beyond the cap are `busy`. */
export function createClientLimits(store: Store, isOn: boolean): ClientLimits {
  const open = new Map<string, number>();
  const take = async (ip: string, kind: 'requests' | 'newTorrents') => {
    if (!isOn || isLoopback(ip)) return;
    const { limit, windowSeconds } = CLIENT_LIMITS[kind];
    if (!(await store.takeTurn(`limit/${kind}/${clientPrefix(ip)}`, limit, windowSeconds)))
      throw new ProblemError('rate-limited', { retryAfterSeconds: windowSeconds });
  };
  return {
    takeRequest: (ip) => take(ip, 'requests'),
    takeNewTorrent: (ip) => take(ip, 'newTorrents'),
    openStream(ip, kind) {
      if (!isOn || isLoopback(ip)) return () => {};
      const key = `${kind}/${clientPrefix(ip)}`;
      const count = open.get(key) ?? 0;
      if (count >= CLIENT_LIMITS[kind]) throw new ProblemError('busy');
      open.set(key, count + 1);
      return () => {
        const left = (open.get(key) ?? 1) - 1;
        if (left > 0) open.set(key, left);
        else open.delete(key);
      };
    },
  };
}

export function clientPrefix(ip: string): string {
  const address = ip.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.split('%')[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const groups = address.includes('::')
    ? [...before, ...Array(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
    : before;
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || /^(::ffff:)?127\./.test(ip);
}
