import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { KNOWN_DHT_NODES_MAX, KNOWN_PEERS_MAX, SwarmKnowledge } from '@lodestream/shared';
import { planSuspects } from './suspects.ts';

/** Beyond it the log of connections begins anew: only its end is ever read. */
const LOG_MAX_BYTES = 64 * 1024;
/** Files of a process that crashed are read whole; an info dictionary has 8 MiB at most. */
const FILE_MAX_BYTES = 12 * 1024 * 1024;

/**
 * What is known of a swarm, across the death of the process: of the gateway's telling, and of the files that a crashed
 * process left in the work folder. A process that leaves politely removes the log of its connections: nobody killed it.
 */
export type SwarmMemory = {
  /** The raw info dictionary, not checked. */
  readonly metadata: Uint8Array | undefined;
  /** Peers that served, best first; nodes that answered; who was connected at the crash, youngest last. */
  readonly peers: readonly string[];
  readonly dhtNodes: readonly string[];
  readonly suspects: readonly string[];
  /** Written at once: whoever ends the process must be in it. */
  noteConnection(address: string): void;
  noteServed(address: string): void;
  /** It turned out to be a liar. */
  forget(address: string): void;
  saveMetadata(infoBytes: Uint8Array): void;
  /** Peers that served in this life, latest first, then those of before. */
  servedPeers(): string[];
  close(): void;
};

export function openSwarmMemory(workDir: string, known: SwarmKnowledge | undefined): SwarmMemory {
  const files = {
    info: join(workDir, 'info'),
    served: join(workDir, 'served-peers.json'),
    connections: join(workDir, 'connections'),
  };
  const left = readServed(files.served);
  const suspects = planSuspects((readSmall(files.connections)?.toString('utf8') ?? '').split('\n').filter(Boolean));
  const peers = [...new Set([...left, ...(known?.peers ?? [])])].slice(0, KNOWN_PEERS_MAX);
  const served = new Set<string>();
  const forgotten = new Set<string>();
  let log = openSync(files.connections, 'w', 0o600);
  let logBytes = 0;

  const servedPeers = () =>
    [...new Set([...[...served].reverse(), ...peers])].filter((each) => !forgotten.has(each)).slice(0, KNOWN_PEERS_MAX);
  return {
    metadata: readSmall(files.info) ?? (known?.metadata === undefined ? undefined : Buffer.from(known.metadata, 'base64')),
    peers,
    dhtNodes: (known?.dhtNodes ?? []).slice(0, KNOWN_DHT_NODES_MAX),
    suspects,
    noteConnection(address) {
      if (logBytes > LOG_MAX_BYTES) {
        closeSync(log);
        log = openSync(files.connections, 'w', 0o600);
        logBytes = 0;
      }
      logBytes += writeSync(log, `${address}\n`);
    },
    noteServed(address) {
      const isNews = !served.delete(address);
      served.add(address);
      if (isNews) writeWhole(files.served, JSON.stringify(servedPeers()));
    },
    forget(address) {
      forgotten.add(address);
      if (served.delete(address)) writeWhole(files.served, JSON.stringify(servedPeers()));
    },
    saveMetadata: (infoBytes) => writeWhole(files.info, infoBytes),
    servedPeers,
    close() {
      closeSync(log);
      rmSync(files.connections, { force: true });
    },
  };
}

function readServed(file: string): string[] {
  try {
    return SwarmKnowledge.shape.peers.parse(JSON.parse(readSmall(file)?.toString('utf8') ?? '[]'));
  } catch {
    return [];
  }
}

function readSmall(file: string): Buffer | undefined {
  try {
    const bytes = readFileSync(file);
    return bytes.length <= FILE_MAX_BYTES ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Never half a file: a crash may come between. A full disk costs the hint, not the torrent. */
function writeWhole(file: string, content: string | Uint8Array): void {
  try {
    writeFileSync(`${file}.tmp`, content, { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  } catch {
    rmSync(`${file}.tmp`, { force: true });
  }
}
