/// <reference path="./bittorrent-tracker.d.ts" />
import { once } from 'node:events';
import Server from 'bittorrent-tracker/server';
import { waitFor } from '../processes/wait-for.ts';

/** aria2 takes 4 s from its start to its announce, transmission verifies first. */
const ANNOUNCE_TIMEOUT_MS = 20_000;

export type Tracker = AsyncDisposable & {
  readonly announceUrl: string;
  readonly port: number;
  /** How many peers of the torrent have announced and not left. */
  peerCount(infoHash: string): number;
  /** How many of them have said that nothing is left for them to download. */
  seederCount(infoHash: string): number;
  /** Waits until so many seeders have announced. A leecher that comes before them asks again only minutes later. */
  waitForSeeders(infoHash: string, count?: number): Promise<void>;
};

/**
 * A real tracker on loopback: HTTP (BEP 3, BEP 23), UDP (BEP 15) or WebSocket (WebTorrent's). Peers are known by the address
 * that they announce from.
 */
export async function startTracker(protocol: 'http' | 'udp' | 'ws' = 'http'): Promise<Tracker> {
  // A short interval, so that clients who follow it ask again within a test.
  const server = new Server({
    http: protocol === 'http',
    udp: protocol === 'udp',
    ws: protocol === 'ws',
    stats: false,
    interval: 5000,
  });
  server.on('error', () => {});
  server.on('warning', () => {});
  server.listen(0, { http: '127.0.0.1', udp: '127.0.0.1', udp6: '::1' });
  await once(server, 'listening');
  const { port } = (protocol === 'udp' ? server.udp : server.http).address() as { port: number };
  const swarmOf = (infoHash: string) => server.torrents[infoHash];
  return {
    port,
    announceUrl: `${protocol}://127.0.0.1:${port}/announce`,
    peerCount: (infoHash) => (swarmOf(infoHash)?.complete ?? 0) + (swarmOf(infoHash)?.incomplete ?? 0),
    seederCount: (infoHash) => swarmOf(infoHash)?.complete ?? 0,
    waitForSeeders: async (infoHash, count = 1) => {
      await waitFor(() => (swarmOf(infoHash)?.complete ?? 0) >= count, {
        what: `${count} seeders have announced`,
        timeoutMs: ANNOUNCE_TIMEOUT_MS,
      });
    },
    [Symbol.asyncDispose]: async () => {
      server.http?.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
