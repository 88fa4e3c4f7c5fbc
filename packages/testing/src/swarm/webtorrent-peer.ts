import { fileURLToPath } from 'node:url';
import { waitFor } from '../processes/wait-for.ts';
import type { TestTorrent } from './create-torrent.ts';
import type { Seeder } from './seeder.ts';
import { openSessionChannel } from './session-channel.ts';

const SCRIPT = fileURLToPath(new URL('./webtorrent-session.mjs', import.meta.url));
/** It hashes what lies in the directory: about a second per GiB. */
const START_TIMEOUT_MS = 30_000;

export type WebtorrentStatus = {
  port: number;
  progress: number;
  uploadedBytes: number;
  downloadedBytes: number;
  peers: number;
  isReady: boolean;
};

export type WebtorrentPeer = Seeder & {
  status(): Promise<WebtorrentStatus>;
  connect(address: string, port: number): Promise<void>;
};

export type WebtorrentOptions = {
  torrent: TestTorrent;
  /** What lies there is hashed and offered; what is missing is asked for. */
  dir: string;
  /** It listens on all addresses: this is the one that others are told. */
  address: string;
  uploadBytesPerSecond?: number | undefined;
  peers?: readonly { address: string; port: number }[];
};

/** Starts webtorrent as people run it, in a process of its own; TCP alone, and nobody is looked for. */
export async function startWebtorrentPeer(options: WebtorrentOptions): Promise<WebtorrentPeer> {
  const { torrent, address, dir, uploadBytesPerSecond, peers = [] } = options;
  const channel = openSessionChannel('webtorrent', process.execPath, [SCRIPT]);
  const stop = () => channel.process.stop();
  channel.send({
    dir,
    uploadBytesPerSecond,
    metainfo: torrent.metainfo.toString('base64'),
    peers: peers.map((peer) => [peer.address, peer.port]),
  });
  const status = () => channel.ask('status') as Promise<WebtorrentStatus>;
  try {
    const first = await waitFor(
      async () => {
        const now = await status();
        return now.isReady && now.port > 0 && now;
      },
      { what: 'webtorrent is ready', timeoutMs: START_TIMEOUT_MS },
    );
    return {
      address,
      port: first.port,
      pid: channel.process.pid,
      status,
      uploadedBytes: async () => (await status()).uploadedBytes,
      connect: async (to, port) => void (await channel.ask('connect', { address: to, port })),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A webtorrent seeder of a whole torrent; it is seeding when this returns. */
export async function startWebtorrentSeeder(options: WebtorrentOptions): Promise<Seeder> {
  const peer = await startWebtorrentPeer(options);
  if ((await peer.status()).progress === 1) return peer;
  await peer[Symbol.asyncDispose]();
  throw new Error(`webtorrent does not have all of ${options.torrent.name}`);
}
