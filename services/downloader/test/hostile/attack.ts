import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { handshake, type MessageListener, splitMessages } from '../raw-peer.ts';
import type { RunningDownloader } from '../start-downloader.ts';
import type { PeerCase } from './peer-messages.ts';

/** A hang is silence: a healthy process answers its status in milliseconds, on a machine that others use in seconds. */
const ANSWER_TIMEOUT_MS = 10_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** What has been written is parsed at once; a wire that is thrown out is closed by then. */
const SETTLE_MS = 120;
/** Above what any case may cost, below what a message that is believed costs (webtorrent.md §8.1: 300 MB to 2.8 GB). */
export const RSS_MAX_BYTES = 420 * 1024 * 1024;

/** Alive and answering. A death has a name: that of the case that was last. */
export async function expectAlive(downloader: RunningDownloader, after: string): Promise<void> {
  const answer = downloader.fetch('/status', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  const status = await answer.then(
    (response) => response.status,
    (error: unknown) => `${String(error)}\n${downloader.stderr().slice(-2000)}`,
  );
  expect([after, status]).toEqual([after, 200]);
}

/** The most memory that the process has ever had, in bytes (proc(5), VmHWM). */
export function peakMemoryBytes(pid: number): number {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? Number.NaN) * 1024;
}

/** Connects as a peer of the torrent, and resolves once the other side has greeted too. */
export async function greet(
  port: number,
  infoHash: string,
  { localAddress = '127.0.0.1', onMessage = () => {} }: { localAddress?: string; onMessage?: MessageListener } = {},
): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  const signal = AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS);
  await once(socket, 'connect', { signal });
  const read = splitMessages(onMessage);
  const greeted = Promise.withResolvers<void>();
  socket.on('data', (chunk) => void (read(chunk) && greeted.resolve()));
  socket.once('close', () => greeted.reject(new Error('it hung up')));
  socket.write(handshake(infoHash));
  await withTimeout(greeted.promise, signal);
  return socket;
}

async function withTimeout(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const late = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => late.reject(signal.reason), { once: true });
  await Promise.race([promise, late.promise]);
}

/** Says the messages of a case as a peer that connected, and then is silent, or gone when it was thrown out. */
export async function attack(port: number, infoHash: string, { messages }: PeerCase): Promise<void> {
  const socket = await greet(port, infoHash);
  // What is said to it is not read: whoever answers without limit fills its own memory.
  socket.pause();
  const closed = once(socket, 'close').catch(() => {});
  for (const each of messages) {
    if (socket.destroyed) break;
    if (!socket.write(each)) await Promise.race([once(socket, 'drain').catch(() => {}), closed, sleep(SETTLE_MS * 10)]);
  }
  await Promise.race([closed, sleep(SETTLE_MS)]);
  socket.destroy();
}
