import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeTempDir } from '../processes/temp-dir.ts';
import { waitFor } from '../processes/wait-for.ts';
import type { TestTorrent } from './create-torrent.ts';
import type { Seeder } from './seeder.ts';
import { openSessionChannel } from './session-channel.ts';

const SCRIPT = fileURLToPath(new URL('./libtorrent_peer.py', import.meta.url));
/** Debian's own python: another one in the PATH does not see python3-libtorrent. */
const PYTHON = '/usr/bin/python3';
/** Hashing a film of 1 GiB takes about 5 s. */
const START_TIMEOUT_MS = 30_000;

export type LibtorrentStatus = {
  state: string;
  progress: number;
  port: number;
  uploadedBytes: number;
  downloadedBytes: number;
  peers: number;
  isSeeding: boolean;
  hasAnnounced: boolean;
  hasMetadata: boolean;
  /** Info hashes that other nodes of the DHT have announced to it. */
  dhtAnnounces: string[];
  /** Indexes of the pieces that it has. */
  pieces: number[];
  error: string | null;
};

export type LibtorrentPeer = Seeder & {
  status(): Promise<LibtorrentStatus>;
  /** Indexes of the pieces of which at least one block was sent to someone. */
  uploadedPieces(): Promise<number[]>;
  peerInfo(): Promise<{ address: string; client: string; isEncrypted: boolean; isUtp: boolean; isChoked: boolean }[]>;
  announceToDht(): Promise<void>;
  /** The same, and forgets them: the next answer tells of what was sent after this one. */
  takeUploadedPieces(): Promise<number[]>;
  /** 0 means no limit. */
  setUploadLimit(bytesPerSecond: number): Promise<void>;
  /** How many peers it sends to at once; 0 chokes all. */
  setUploadSlots(count: number): Promise<void>;
  connect(address: string, port: number): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
};

export type LibtorrentOptions = {
  dir: string;
  address: string;
  torrent?: TestTorrent;
  magnet?: string;
  uploadBytesPerSecond?: number | undefined;
  peers?: readonly { address: string; port: number }[];
  /** Serve what lies in the directory without hashing it: faster, and able to serve damaged bytes. */
  trustData?: boolean;
  /** Offer what is there, ask for nothing. */
  uploadOnly?: boolean;
  /** What it accepts and offers, in both directions; `both` by default. */
  encryption?: 'plaintext' | 'rc4' | 'both';
  /** The only transport that it has; TCP by default. */
  transport?: 'tcp' | 'utp';
  /** `address:port` of nodes to begin with. It is a DHT node itself then, at its own address and port; off by default. */
  dhtBootstrap?: readonly string[];
  /** Tells its peers of each other, and hears it of them. */
  hasPex?: boolean;
};

/** Starts one libtorrent session: the peer with the shortest delays, and the one that can be told to misbehave. */
export async function startLibtorrentPeer(options: LibtorrentOptions): Promise<LibtorrentPeer> {
  const { torrent, peers = [], ...settings } = options;
  const home = await makeTempDir('libtorrent');
  const torrentPath = join(home.path, 'x.torrent');
  if (torrent) await writeFile(torrentPath, torrent.metainfo);
  const channel = openSessionChannel('libtorrent', PYTHON, [SCRIPT]);
  try {
    channel.send({ ...settings, ...(torrent ? { torrentPath } : {}), peers: peers.map((peer) => [peer.address, peer.port]) });
    const status = () => channel.ask('status') as Promise<LibtorrentStatus>;
    const first = await waitFor(async () => (await status()).port > 0 && status(), {
      what: `libtorrent listens\n${channel.process.tail()}`,
      timeoutMs: START_TIMEOUT_MS,
    });
    return {
      address: options.address,
      port: first.port,
      pid: channel.process.pid,
      status,
      uploadedBytes: async () => (await status()).uploadedBytes,
      uploadedPieces: async () => ((await channel.ask('uploadedPieces')) as { pieces: number[] }).pieces,
      peerInfo: async () => ((await channel.ask('peerInfo')) as { peers: never[] }).peers,
      announceToDht: async () => void (await channel.ask('announceToDht')),
      takeUploadedPieces: async () => ((await channel.ask('takeUploadedPieces')) as { pieces: number[] }).pieces,
      setUploadLimit: async (bytesPerSecond) => void (await channel.ask('setUploadLimit', { bytesPerSecond })),
      setUploadSlots: async (count) => void (await channel.ask('setUploadSlots', { count })),
      connect: async (address, port) => void (await channel.ask('connect', { address, port })),
      pause: async () => void (await channel.ask('pause')),
      resume: async () => void (await channel.ask('resume')),
      [Symbol.asyncDispose]: async () => {
        await channel.process.stop();
        await home[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await channel.process.stop();
    await home[Symbol.asyncDispose]();
    throw error;
  }
}

/** A libtorrent seeder of a whole torrent; it is seeding when this returns. */
export async function startLibtorrentSeeder(options: LibtorrentOptions & { torrent: TestTorrent }): Promise<LibtorrentPeer> {
  const peer = await startLibtorrentPeer({ trustData: true, ...options });
  try {
    if (!options.uploadOnly)
      await waitFor(async () => (await peer.status()).isSeeding, { what: 'libtorrent seeds', timeoutMs: START_TIMEOUT_MS });
    return peer;
  } catch (error) {
    await peer[Symbol.asyncDispose]();
    throw error;
  }
}
