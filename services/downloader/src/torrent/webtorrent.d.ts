/**
 * The surface of webtorrent 3.0.21 and bittorrent-protocol 5.0.9 that we rely on, and no more: this list is what an
 * upgrade must be checked against. Names with an underscore are private there.
 */
declare module 'webtorrent' {
  import type { EventEmitter } from 'node:events';

  type ClientOptions = {
    utp: boolean;
    secure: 0 | 1;
    dht: false | { bootstrap: string[] | false };
    dhtPort?: number;
    lsd: boolean;
    natUpnp: boolean;
    natPmp: boolean;
    utPex: boolean;
    webSeeds: boolean;
    tracker: { rtcConfig: object; getAnnounceOpts: () => { left: number } };
    maxConns: number;
    torrentPort: number;
    uploadLimit: number;
    seedOutgoingConnections: boolean;
  };

  type TorrentOptions = {
    announce: string[];
    deselect: true;
    path: string;
    store: new (pieceLength: number) => ChunkStore;
    storeCacheSlots: 0;
    uploads: number;
    strategy: 'sequential';
    private?: true;
  };

  /** abstract-chunk-store: what webtorrent needs of it to serve other peers. */
  type ChunkStore = {
    get(pieceIndex: number, options: { offset?: number; length?: number } | null, callback: StoreCallback): void;
    put(pieceIndex: number, bytes: Uint8Array, callback: (error: Error | null) => void): void;
    close(callback: (error: Error | null) => void): void;
    destroy(callback: (error: Error | null) => void): void;
  };
  type StoreCallback = (error: Error | null, bytes?: Uint8Array) => void;

  /** What parse-torrent makes of a .torrent file; we make it ourselves. */
  type ParsedTorrent = {
    infoHash: string;
    name: string;
    announce: string[];
    urlList: string[];
    private: boolean;
    info: object;
    files: { name: string; path: string; length: number; offset: number }[];
    length: number;
    pieceLength: number;
    lastPieceLength: number;
    pieces: string[];
  };

  /** Of our patch: see `redial-plan.ts`. */
  type Dial = { transport: 'tcp' | 'utp'; isEncrypted: boolean; attempt: number };
  type DialEnd = 'unreached' | 'refused' | 'lost' | 'served';

  class WebTorrent extends EventEmitter<{ error: [Error]; listening: [] }> {
    constructor(options: ClientOptions);
    /** False where the machine has no binary of utp-native. */
    static readonly UTP_SUPPORT: boolean;
    readonly listening: boolean;
    readonly torrentPort: number;
    readonly dht: false | { lookup(infoHash: string): void; toJSON(): { nodes: { host: string; port: number }[] } };
    /** Of our patch: how an address is dialled first, and how after a connection to it has ended. */
    firstDial: Dial;
    planRedial(dial: Dial, end: DialEnd, host: string): { dial: Dial; waitMs: number } | null;
    /** Asked for every outgoing peer (`torrent.js:addPeer`), and with our patch before each dial. */
    blocked: { contains(address: string): boolean };
    /** Of our patch: asked for incoming peers. */
    banned: { contains(address: string): boolean };
    add(source: { infoHash: string; announce: string[] }, options: TorrentOptions): SwarmTorrent;
    destroy(callback: (error?: Error) => void): void;
  }

  interface SwarmTorrent
    extends EventEmitter<{
      infoHash: [string];
      metadata: [];
      ready: [];
      wire: [PeerWire, string | undefined];
      warning: [Error | string];
      error: [Error | string];
    }> {
    readonly wires: PeerWire[];
    readonly downloadSpeed: number;
    readonly uploadSpeed: number;
    readonly received: number;
    readonly uploaded: number;
    readonly destroyed: boolean;
    /** What ut_metadata offers to other peers: the raw info dictionary. */
    metadata: Uint8Array | null;
    private?: boolean;
    /** torrent-discovery. While it is announcing to the DHT it does not announce again. */
    readonly discovery: { dht: EventEmitter | null; _dhtAnnouncing: boolean; tracker: TrackerClient | null } | null;
    readonly _peers: ReadonlyMap<string, { readonly type: string; readonly source: string | null; destroy(): void }>;
    /** By `host:port`, or a WebRTC connection. Discovery and peer exchange call it too. */
    addPeer(peer: string | { destroy(): void }, source?: string): boolean;
    removePeer(address: string): void;
    _onMetadata(parsed: ParsedTorrent): Promise<void>;
    _verifyPieces(callback: (error: Error | null) => void): void;
    _updateWireInterest(wire: PeerWire): void;
    _markVerified(pieceIndex: number): void;
    _markUnverified(pieceIndex: number): void;
  }

  /** bittorrent-tracker's client: all trackers of the torrent. */
  interface TrackerClient {
    update(): void;
    _trackers: { readonly announceUrl: string; destroy(callback: () => void): void }[];
  }

  interface PeerWire
    extends EventEmitter<{
      choke: [];
      unchoke: [];
      bitfield: [];
      have: [number];
      'have-all': [];
      'allowed-fast': [number];
      interested: [];
      piece: [pieceIndex: number, offset: number, block: Uint8Array];
      request: [pieceIndex: number, offset: number, lengthBytes: number];
      close: [];
    }> {
    readonly type: string;
    readonly destroyed: boolean;
    readonly remoteAddress?: string;
    readonly remotePort?: number;
    readonly peerChoking: boolean;
    readonly peerPieces: { get(pieceIndex: number): boolean; readonly buffer: Uint8Array; setAll?: unknown };
    peerAllowedFastSet: number[];
    readonly peerExtendedMapping: { readonly lt_donthave?: number };
    readonly peerExtendedHandshake: { reqq?: unknown };
    readonly isSeeder?: boolean;
    readonly ut_metadata: EventEmitter<{ metadata: [Uint8Array] }> & { readonly metadata: Uint8Array; cancel(): void };
    /** Peer exchange (BEP 11); not on a private torrent. */
    readonly ut_pex?: EventEmitter<{ peer: [string] }>;
    readonly lt_donthave: { donthave(pieceIndex: number): void };
    interested(): void;
    uninterested(): void;
    choke(): void;
    have(pieceIndex: number): void;
    request(pieceIndex: number, offset: number, length: number, callback: (error: Error | null) => void): void;
    cancel(pieceIndex: number, offset: number, length: number): void;
    destroy(): void;
  }

  export default WebTorrent;
  export type { ChunkStore, ParsedTorrent, PeerWire, StoreCallback, SwarmTorrent };
}
