import { type InfoHash, SwarmKnowledge } from '@lodestream/shared';
import type { z } from 'zod';
import type { Store } from '../state/store.ts';
import type { Orchestrator } from '../workloads/orchestrator.ts';
import type { WorkerClient } from '../workloads/worker-client.ts';
import { isReady, type ReadyWorkload } from '../workloads/workload.ts';

/** A film that is watched tonight and tomorrow opens at once; after a day its peers have gone elsewhere. */
const TTL_SECONDS = 24 * 3600;
/** A downloader is asked soon after its start, because a visit may be short, and then now and then. */
const FIRST_ASK_MS = 2000;
const ASK_EVERY_MS = 20_000;
const LOOK_EVERY_MS = 1000;
const ANSWER_TIMEOUT_MS = 2000;
/** base64 of the largest info dictionary that is kept, 1 MiB. */
const METADATA_TEXT_MAX = 1_400_000;

const Peers = SwarmKnowledge.shape.peers;
const DhtNodes = SwarmKnowledge.shape.dhtNodes;

/**
 * What downloaders have learned of their swarms, kept in the store for the next ones: metadata by info hash, peers that
 * served, nodes of the DHT. All of it may be lost or wrong: a downloader hashes the metadata and filters the addresses.
 */
export type SwarmKnowledgeStore = Disposable & {
  recall(infoHash: InfoHash): Promise<SwarmKnowledge | undefined>;
  forget(infoHash: InfoHash): Promise<void>;
};

export type SwarmKnowledgeStoreOptions = { store: Store; orchestrator: Orchestrator; client: WorkerClient };

export function createSwarmKnowledgeStore({ store, orchestrator, client }: SwarmKnowledgeStoreOptions): SwarmKnowledgeStore {
  /** By uid: when it is asked next, and whether its metadata is kept. */
  const asked = new Map<string, { nextAtMs: number; hasMetadata: boolean }>();
  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();

  function look(): void {
    const now = performance.now();
    const ready = orchestrator.list().filter(isReady);
    const uids = new Set(ready.map((workload) => workload.uid));
    for (const uid of asked.keys()) if (!uids.has(uid)) asked.delete(uid);
    for (const workload of ready) {
      if (workload.spec.kind !== 'downloader') continue;
      const turn = asked.get(workload.uid) ?? { nextAtMs: now + FIRST_ASK_MS, hasMetadata: false };
      asked.set(workload.uid, turn);
      if (now < turn.nextAtMs) continue;
      turn.nextAtMs = now + ASK_EVERY_MS;
      void ask(workload, workload.spec.infoHash, turn);
    }
  }

  async function ask(workload: ReadyWorkload, infoHash: InfoHash, turn: { hasMetadata: boolean }): Promise<void> {
    try {
      const path = turn.hasMetadata ? '/knowledge' : '/knowledge?metadata=1';
      const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
      const { metadata, peers, dhtNodes } = await client.json(workload, { path, signal }, SwarmKnowledge);
      if (metadata !== undefined && metadata.length <= METADATA_TEXT_MAX) {
        await store.set(keyOf('metadata', infoHash), metadata, TTL_SECONDS);
        turn.hasMetadata = true;
      }
      if (peers.length > 0) await store.set(keyOf('peers', infoHash), JSON.stringify(peers), TTL_SECONDS);
      if (dhtNodes.length > 0) await store.set(DHT_KEY, JSON.stringify(dhtNodes), TTL_SECONDS);
    } catch {
      // It does not answer now; it is asked again.
    }
  }

  return {
    async recall(infoHash) {
      const keys = [keyOf('metadata', infoHash), keyOf('peers', infoHash), DHT_KEY] as const;
      const [metadata, peers, dhtNodes] = await Promise.all(keys.map((key) => store.get(key)));
      const known = { peers: readList(Peers, peers), dhtNodes: readList(DhtNodes, dhtNodes) };
      const isMetadata = SwarmKnowledge.shape.metadata.safeParse(metadata).success && metadata !== undefined;
      if (!isMetadata && known.peers.length + known.dhtNodes.length === 0) return undefined;
      return { ...known, ...(isMetadata ? { metadata } : {}) };
    },
    forget: (infoHash) => store.drop([keyOf('metadata', infoHash), keyOf('peers', infoHash)]),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

const DHT_KEY = 'swarm:dht-nodes';

function keyOf(kind: 'metadata' | 'peers', infoHash: InfoHash): string {
  return `swarm:${kind}:${infoHash}`;
}

function readList(schema: z.ZodType<string[]>, text: string | undefined): string[] {
  try {
    return text === undefined ? [] : schema.parse(JSON.parse(text));
  } catch {
    return [];
  }
}
