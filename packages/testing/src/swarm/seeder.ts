import { pickLoopbackAddress } from '../processes/loopback.ts';
import { startAria2Leecher, startAria2Seeder } from './aria2-seeder.ts';
import type { TestTorrent } from './create-torrent.ts';
import { startLibtorrentPeer, startLibtorrentSeeder } from './libtorrent-peer.ts';
import { startQbittorrentSeeder } from './qbittorrent-seeder.ts';
import { startTransmissionLeecher, startTransmissionSeeder } from './transmission-seeder.ts';
import { startWebtorrentPeer, startWebtorrentSeeder } from './webtorrent-peer.ts';

export const SEEDER_CLIENTS = ['libtorrent', 'transmission', 'aria2', 'qbittorrent', 'webtorrent'] as const;
export type SeederClient = (typeof SEEDER_CLIENTS)[number];

/** A real client that has all of a torrent and gives it to whoever asks. */
export type Seeder = AsyncDisposable & {
  /** Its own loopback address; put `address:port` into a magnet's `x.pe`. */
  readonly address: string;
  readonly port: number;
  readonly pid: number;
  /** Bytes of content that it has sent so far, by its own count (some clients update it once in seconds). */
  uploadedBytes(): Promise<number>;
};

/** A real client that has nothing of a torrent at first, and knows no peer: connect to it. */
export type Leecher = AsyncDisposable & {
  readonly address: string;
  readonly port: number;
  readonly pid: number;
  /** Bytes of content that it has and found right. */
  downloadedBytes(): Promise<number>;
};

export const LEECHER_CLIENTS = ['libtorrent', 'transmission', 'aria2', 'webtorrent'] as const;
export type LeecherClient = (typeof LEECHER_CLIENTS)[number];

export type SeederOptions = {
  torrent: TestTorrent;
  /** Where the content lies; the torrent's own directory by default. Clients only read there. */
  dir?: string;
  uploadBytesPerSecond?: number;
  address?: string;
};

export type ResolvedSeederOptions = {
  torrent: TestTorrent;
  dir: string;
  address: string;
  uploadBytesPerSecond: number | undefined;
};

/**
 * Starts a seeder on a loopback address of its own. It has checked its data and accepts peers when this returns; DHT, local
 * discovery, peer exchange and port forwarding are off, so that no packet leaves the machine.
 */
export function startSeeder({ client, ...options }: SeederOptions & { client: SeederClient }): Promise<Seeder> {
  const resolved: ResolvedSeederOptions = {
    torrent: options.torrent,
    dir: options.dir ?? options.torrent.dir,
    address: options.address ?? pickLoopbackAddress(),
    uploadBytesPerSecond: options.uploadBytesPerSecond,
  };
  switch (client) {
    case 'libtorrent':
      return startLibtorrentSeeder(resolved);
    case 'transmission':
      return startTransmissionSeeder(resolved);
    case 'aria2':
      return startAria2Seeder(resolved);
    case 'qbittorrent':
      return startQbittorrentSeeder(resolved);
    case 'webtorrent':
      return startWebtorrentSeeder(resolved);
  }
}

/** Starts a leecher on a loopback address of its own, with an empty directory `dir`. It accepts peers when this returns. */
export async function startLeecher(options: { client: LeecherClient; torrent: TestTorrent; dir: string }): Promise<Leecher> {
  const { client, torrent, dir } = options;
  const address = pickLoopbackAddress();
  const resolved = { torrent, dir, address, uploadBytesPerSecond: undefined };
  if (client === 'transmission') return startTransmissionLeecher(resolved);
  if (client === 'aria2') return startAria2Leecher(resolved);
  const start = client === 'libtorrent' ? startLibtorrentPeer : startWebtorrentPeer;
  const peer = await start({ torrent, dir, address });
  const downloadedBytes = async () => ((await peer.status()) as { downloadedBytes: number }).downloadedBytes;
  return { ...peer, downloadedBytes };
}
