import { EventEmitter } from 'node:events';
import { isIPv4 } from 'node:net';
import type { Logger } from '@lodestream/service-kit';
import type { DownloaderSpec, Metainfo } from '@lodestream/shared';
import WebTorrent, { type ParsedTorrent, type PeerWire, type SwarmTorrent } from 'webtorrent';
import { type AddressFilter, addressKey } from './address-filter.ts';
import { pickPeerPort } from './pick-port.ts';
import { makePrivate } from './private-torrent.ts';
import { FIRST_DIAL, planRedial } from './redial-plan.ts';
import { buildServingStore, type PieceReader } from './serving-store.ts';
import { createSuspectGate } from './suspect-gate.ts';
import type { SwarmMemory } from './swarm-memory.ts';

/** Outgoing connections; webtorrent's own default. */
const CONNECTIONS_MAX = 55;
/** Browsers, connected or on their way; each costs 16 CPU-s per GiB, three times a TCP peer (webtorrent.md §10). */
const WEBRTC_PEERS_MAX = 10;
/** Peers that we upload to at once, while anyone watches (webtorrent.md §10). */
const UPLOAD_SLOTS = 4;
/** While fewer peers than this are connected, trackers and the DHT are asked again, and first peers dialled again. */
const PEERS_WANTED = 5;
const REANNOUNCE_MS = 60_000;
/** What is left to download where that is not known yet; what other clients say. */
const LEFT_UNKNOWN_BYTES = 16_384;
/** Warnings come once per bad piece, tracker and duplicate peer; so many a minute are logged. */
const WARNINGS_PER_MINUTE = 10;

/** A peer's wire, or a web seed, which has no address. */
type BannedWire = { readonly type?: string; readonly remoteAddress?: string; readonly remotePort?: number; destroy(): void };

export type Swarm = EventEmitter<{ metadata: [Uint8Array]; wire: [PeerWire]; ban: [BannedWire]; error: [Error] }> & {
  readonly wires: readonly PeerWire[];
  readonly downloadBytesPerSecond: number;
  readonly uploadBytesPerSecond: number;
  /** `host:port` of nodes of the DHT that answered lately. */
  dhtNodes(): string[];
  /** Tells webtorrent what the torrent is; from here on peers are served and asked for pieces. */
  useMetainfo(metainfo: Metainfo, read: PieceReader): Promise<void>;
  markVerified(pieceIndex: number): void;
  markUnverified(pieceIndex: number): void;
  /** Never again: the wire's address is refused from now on, in both directions. */
  ban(wire: BannedWire, reason: string): void;
  leave(): Promise<void>;
};

/**
 * The only door to webtorrent: it keeps sockets, handshakes, discovery, choking and serving; which block is asked of
 * whom, hashes and storage are ours. Nothing of a user's text goes in: an info hash, filtered trackers, checked addresses.
 */
export async function joinSwarm(
  spec: DownloaderSpec,
  isPrivate: boolean,
  memory: Pick<SwarmMemory, 'peers' | 'dhtNodes' | 'suspects'>,
  isAllowed: AddressFilter,
  logger: Logger,
): Promise<Swarm> {
  const { network, source } = spec;
  const banned = new Set<string>();
  const peerPort = await pickPeerPort(network.peerPorts);
  let havePieces = 0;
  let pieceCount = Number.POSITIVE_INFINITY;
  let pieceLength = LEFT_UNKNOWN_BYTES;
  // Without metadata webtorrent says NaN, which is 0 to a UDP tracker: a seeder, who is told of no seeders.
  const leftBytes = () => (pieceCount === Number.POSITIVE_INFINITY ? 1 : pieceCount - havePieces) * pieceLength;
  const canUpload = network.uploadBytesPerSecond > 0;
  const knownNodes = memory.dhtNodes.filter((node) => isAllowed(hostOf(node)));
  const bootstrapNodes = [...network.dhtBootstrap, ...knownNodes];
  const client = new WebTorrent({
    // No listener for uTP: whoever speaks it speaks TCP too when it dials us. We dial it where TCP does not reach a peer.
    utp: false,
    // MSE when it is offered to us; when we offer it is up to `planRedial`.
    secure: 1,
    dht: network.dht && !isPrivate ? { bootstrap: bootstrapNodes.length > 0 ? bootstrapNodes : false } : false,
    lsd: false,
    natUpnp: false,
    natPmp: false,
    utPex: true,
    webSeeds: false,
    tracker: { rtcConfig: { iceServers: [] }, getAnnounceOpts: () => ({ left: leftBytes() }) },
    maxConns: CONNECTIONS_MAX,
    torrentPort: peerPort,
    dhtPort: peerPort,
    // A limit of 0 would hold back our requests too; without upload nobody is unchoked instead.
    uploadLimit: canUpload ? network.uploadBytesPerSecond : -1,
    seedOutgoingConnections: false,
  });
  client.banned = { contains: (address) => banned.has(addressKey(address)) };
  client.blocked = { contains: (address) => client.banned.contains(address) || !isAllowed(address) };
  client.firstDial = FIRST_DIAL;
  client.planRedial = (dial, end, host) => planRedial(dial, end, WebTorrent.UTP_SUPPORT && isIPv4(host));
  const events = new EventEmitter() as Swarm;
  client.on('error', (error) => events.emit('error', error));
  await new Promise<void>((resolve) => (client.listening ? resolve() : client.once('listening', resolve)));

  const announce = isPrivate ? source.trackers : [...new Set([...source.trackers, ...network.trackers])];
  let read: PieceReader = () => Promise.reject(new Error('no pieces yet'));
  const torrent = client.add(
    { infoHash: spec.infoHash, announce },
    {
      announce: [],
      deselect: true,
      path: '/nonexistent',
      store: buildServingStore((...place) => read(...place)),
      storeCacheSlots: 0,
      uploads: canUpload ? UPLOAD_SLOTS : 0,
      strategy: 'sequential',
    },
  );
  torrent.on('error', (error) => events.emit('error', toError(error)));
  const warnings = { count: 0, since: performance.now() };
  torrent.on('warning', (warning) => {
    if (performance.now() - warnings.since > 60_000) Object.assign(warnings, { count: 0, since: performance.now() });
    if (++warnings.count <= WARNINGS_PER_MINUTE) logger.info({ warning: toError(warning).message }, 'swarm warning');
  });
  torrent.on('wire', (wire) => {
    if (wire.remoteAddress !== undefined && client.banned.contains(wire.remoteAddress)) return wire.destroy();
    // ICE may have found an address in the peer's own packets that is none of those that it may dial.
    if (wire.type === 'webrtc' && wire.remoteAddress !== undefined && !isAllowed(wire.remoteAddress)) return wire.destroy();
    // Pieces that a choking peer allows would be fetched past our own scheduler.
    wire.on('allowed-fast', () => {
      wire.peerAllowedFastSet = [];
    });
    listenForMetadata(wire, torrent, events);
    events.emit('wire', wire);
  });
  const addPeer = torrent.addPeer.bind(torrent);
  const gate = createSuspectGate(memory.suspects, (address) => !torrent.destroyed && addPeer(address));
  torrent.addPeer = (peer, source) => {
    if (typeof peer === 'string') return !gate.holds(peer) && addPeer(peer, source);
    if ([...torrent._peers.values()].filter((each) => each.type === 'webrtc').length < WEBRTC_PEERS_MAX)
      return addPeer(peer, source);
    peer.destroy();
    return false;
  };
  const addFirstPeers = () => {
    for (const peer of [...source.peers, ...memory.peers]) torrent.addPeer(peer);
  };
  torrent.once('infoHash', addFirstPeers);
  const reannounce = setInterval(() => {
    if (torrent.destroyed || torrent.wires.length >= PEERS_WANTED) return;
    addFirstPeers();
    torrent.discovery?.tracker?.update();
    if (!torrent.private && client.dht) client.dht.lookup(spec.infoHash);
  }, REANNOUNCE_MS);
  // Which pieces a peer has that we lack is a look at all of them, at each of its messages; to be interested costs nothing.
  torrent._updateWireInterest = (wire) => (havePieces < pieceCount ? wire.interested() : wire.uninterested());

  return Object.defineProperties(events, {
    wires: { get: () => torrent.wires },
    downloadBytesPerSecond: { get: () => torrent.downloadSpeed },
    uploadBytesPerSecond: { get: () => torrent.uploadSpeed },
    dhtNodes: { value: () => (client.dht ? client.dht.toJSON().nodes.map(({ host, port }) => `${host}:${port}`) : []) },
    useMetainfo: {
      value: async (metainfo: Metainfo, reader: PieceReader) => {
        read = reader;
        ({ pieceCount, pieceLength } = metainfo);
        if (metainfo.isPrivate) makePrivate(torrent, source.trackers);
        // Its start-up check would hash what is there, or trust it; ours hashes a piece when it is first wanted.
        torrent._verifyPieces = (callback) => callback(null);
        torrent.once('metadata', () => {
          torrent.metadata = metainfo.infoBytes;
        });
        const ready = new Promise<void>((resolve) => torrent.once('ready', resolve));
        await torrent._onMetadata(toParsedTorrent(metainfo, announce));
        await ready;
      },
    },
    markVerified: {
      value: (pieceIndex: number) => {
        havePieces += 1;
        torrent._markVerified(pieceIndex);
        for (const wire of torrent.wires) wire.have(pieceIndex);
      },
    },
    markUnverified: {
      value: (pieceIndex: number) => {
        havePieces -= 1;
        torrent._markUnverified(pieceIndex);
        for (const wire of torrent.wires) wire.lt_donthave.donthave(pieceIndex);
      },
    },
    ban: {
      value: (wire: BannedWire, reason: string) => {
        logger.warn({ reason }, 'peer banned');
        if (wire.remoteAddress !== undefined) banned.add(addressKey(wire.remoteAddress));
        events.emit('ban', wire);
        wire.destroy();
        for (const other of [...torrent.wires])
          if (other.remoteAddress !== undefined && client.banned.contains(other.remoteAddress)) other.destroy();
      },
    },
    leave: {
      value: () => {
        clearInterval(reannounce);
        gate[Symbol.dispose]();
        return new Promise<void>((resolve) => client.destroy(() => resolve()));
      },
    },
  });
}

/**
 * ut_metadata has compared the hash of the raw bytes; webtorrent would now re-encode and parse them, and so change the
 * info hash of an unsorted dictionary, or fall over hostile numbers. Our parser sees the raw bytes instead.
 */
function listenForMetadata(wire: PeerWire, torrent: SwarmTorrent, events: Swarm): void {
  wire.ut_metadata.removeAllListeners('metadata');
  wire.ut_metadata.once('metadata', () => {
    if (!torrent.metadata && !torrent.destroyed) events.emit('metadata', wire.ut_metadata.metadata);
  });
}

function toParsedTorrent(metainfo: Metainfo, announce: string[]): ParsedTorrent {
  const { pieceHashes, pieceCount, pieceLength, lengthBytes } = metainfo;
  const hashes = Buffer.from(pieceHashes.buffer, pieceHashes.byteOffset, pieceHashes.byteLength).toString('hex');
  return {
    infoHash: metainfo.infoHash,
    name: metainfo.infoHash,
    announce,
    urlList: [],
    private: metainfo.isPrivate,
    info: {},
    // One file with a name of ours: webtorrent needs the length only, and must never see a stranger's path.
    files: [{ name: 'content', path: 'content', length: lengthBytes, offset: 0 }],
    length: lengthBytes,
    pieceLength,
    lastPieceLength: lengthBytes - (pieceCount - 1) * pieceLength,
    pieces: Array.from({ length: pieceCount }, (_, index) => hashes.slice(index * 40, index * 40 + 40)),
  };
}

/** Of `host:port` or `[host]:port`. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}

function toError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}
