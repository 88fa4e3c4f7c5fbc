import type { PeerWire } from 'webtorrent';
import type { Swarm } from './swarm.ts';
import type { SwarmMemory } from './swarm-memory.ts';

/** A peer that has sent so many blocks is worth coming back to. */
const SERVED_BLOCKS = 8;

/** Notes who connects, who serves and who lied, for the next life of this process and for the next downloader. */
export function rememberPeers(swarm: Swarm, memory: SwarmMemory): void {
  swarm.on('wire', (wire) => {
    const address = dialledAddress(wire);
    if (address === undefined) return;
    memory.noteConnection(address);
    let blocks = 0;
    wire.on('piece', () => {
      if (++blocks === SERVED_BLOCKS) memory.noteServed(address);
    });
  });
  swarm.on('ban', (wire) => {
    const address = dialledAddress(wire);
    if (address !== undefined) memory.forget(address);
  });
}

/** Where it can be dialled again; undefined for one that came to us, whose port is another. */
function dialledAddress({
  type,
  remoteAddress,
  remotePort,
}: Partial<Pick<PeerWire, 'type' | 'remoteAddress' | 'remotePort'>>): string | undefined {
  if (!type?.endsWith('Outgoing') || remoteAddress === undefined) return undefined;
  return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
}
