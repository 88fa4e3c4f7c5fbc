import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTempDir, pickFreePort, startFaultProxy, startLibtorrentSeeder, waitFor } from '@lodestream/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRandomFilm, type RandomFilm } from './random-film.ts';
import { handshake, ID, message, type RawPeer, startRawPeer, uint32 } from './raw-peer.ts';
import { type RunningDownloader, startDownloader } from './start-downloader.ts';

const MIB = 1024 * 1024;
/** The good peer's line: 16 MiB in about 4 s. */
const LINE = { downBytesPerSecond: 4 * MIB, delayMs: 20 };
/** What the whole read may take beside a bad peer, against the good one alone in the same run. */
const RATIO_MAX = 1.3;
const BAD_PIECES_MAX = 4;

const stack = new AsyncDisposableStack();
let film: RandomFilm;
let good: { address: string; port: number };
let aloneMs: number;

beforeAll(async () => {
  film = stack.use(await makeRandomFilm(16, MIB));
  const seeder = stack.use(await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.4.1' }));
  good = stack.use(await startFaultProxy({ target: seeder, address: '127.9.4.2', faults: LINE }));
  const runs = [await timeRead([]), await timeRead([])];
  aloneMs = Math.min(...runs.map(({ ms }) => ms));
});
afterAll(() => stack.disposeAsync());

/** A peer that says it has all, lets us ask, and hands each request to `answer`. */
function startEvilPeer(address: string, answer: (send: SendBlock, request: BlockRequest) => void): Promise<RawPeer> {
  return startRawPeer(film.torrent.infoHash, address, (socket: Socket, onMessage) => {
    socket.write(message(ID.haveAll));
    const send: SendBlock = ({ pieceIndex, offset }, bytes) =>
      void (socket.writable && socket.write(message(ID.piece, Buffer.concat([uint32(pieceIndex, offset), bytes]))));
    onMessage((id, body) => {
      if (id === ID.interested) socket.write(message(ID.unchoke));
      if (id !== ID.request) return;
      const [pieceIndex, offset, lengthBytes] = [body.readUInt32BE(0), body.readUInt32BE(4), body.readUInt32BE(8)];
      const start = pieceIndex * MIB + offset;
      answer(send, { pieceIndex, offset, bytes: Buffer.from(film.bytes.subarray(start, start + lengthBytes)) });
    });
  });
}

type BlockRequest = { pieceIndex: number; offset: number; bytes: Buffer };
type SendBlock = (request: BlockRequest, bytes: Buffer) => void;

/** Slow: 40 KB/s, one block after the other, for as long as its socket lives. */
function answerSlowly() {
  let last = Promise.resolve();
  return (send: SendBlock, request: BlockRequest) => {
    last = last.then(() => sleep(400, undefined, { ref: false })).then(() => send(request, request.bytes));
  };
}

function answerWrongly(send: SendBlock, request: BlockRequest): void {
  request.bytes[100] = (request.bytes[100] as number) ^ 1;
  send(request, request.bytes);
}

/** Serves well until it has proven itself, and then never again. */
function answerAndStall() {
  let left = 96;
  return (send: SendBlock, request: BlockRequest) => {
    if (left-- > 0) send(request, request.bytes);
  };
}

type Read = { ms: number; downloader: RunningDownloader; peerPort: number };

/** Reads the whole film once all peers are there. */
async function timeRead(
  evil: readonly RawPeer[],
  look: (read: Read) => Promise<void> = () => Promise.resolve(),
): Promise<{ ms: number }> {
  await using work = await makeTempDir('work');
  const peerPort = await pickFreePort();
  await using downloader = await startDownloader({
    infoHash: film.torrent.infoHash,
    workDir: work.path,
    metainfo: film.torrent.metainfo,
    peers: [...evil, good].map(({ address, port }) => `${address}:${port}`),
    peerPorts: [peerPort, peerPort],
  });
  await waitFor(async () => (await downloader.status()).swarm.peers === evil.length + 1, {
    what: 'all peers are connected',
    timeoutMs: 15_000,
  });
  // Both sides have said what they have, and who may ask.
  await sleep(300);
  const startedAt = performance.now();
  const bytes = Buffer.from(await (await downloader.fetch('/files/0')).arrayBuffer());
  const ms = performance.now() - startedAt;
  expect(bytes.equals(film.bytes)).toBe(true);
  await look({ ms, downloader, peerPort });
  return { ms };
}

const count = (downloader: RunningDownloader, text: string) => downloader.stderr().split(`"${text}"`).length - 1;

describe('beside one good peer', () => {
  it.each([
    ['that is slow', answerSlowly],
    ['that takes requests and sends nothing', () => () => {}],
    ['that stalls when it has proven itself', answerAndStall],
  ])('a peer %s costs less than a third of the time', async (_title, build) => {
    await using evil = await startEvilPeer('127.9.4.10', build());
    const { ms } = await timeRead([evil]);
    console.info(`alone ${Math.round(aloneMs)} ms, beside it ${Math.round(ms)} ms: ${(ms / aloneMs).toFixed(2)}`);
    expect(ms / aloneMs).toBeLessThan(RATIO_MAX);
  });

  it('one that corrupts costs as little, is banned within 4 bad pieces, and for good', async () => {
    await using evil = await startEvilPeer('127.9.4.11', answerWrongly);
    const { ms } = await timeRead([evil], async ({ downloader, peerPort }) => {
      console.info(`bad pieces: ${count(downloader, 'bad piece')}`);
      expect(count(downloader, 'bad piece')).toBeLessThanOrEqual(BAD_PIECES_MAX);
      expect(count(downloader, 'peer banned')).toBe(1);
      // The good one is the one that is left.
      await waitFor(async () => (await downloader.status()).swarm.peers === 1, { what: 'it is gone', timeoutMs: 2000 });
      const dialled = evil.connections();
      expect(await knock(peerPort, evil.address)).toEqual({ isWelcome: false });
      expect(await knock(peerPort, '127.9.4.200')).toEqual({ isWelcome: true });
      // webtorrent dials again after 1 s.
      await sleep(1500);
      expect(evil.connections()).toBe(dialled);
    });
    console.info(`alone ${Math.round(aloneMs)} ms, beside it ${Math.round(ms)} ms: ${(ms / aloneMs).toFixed(2)}`);
    expect(ms / aloneMs).toBeLessThan(RATIO_MAX);
  });

  it('three at once, of each kind one, cost as little too', async () => {
    await using slow = await startEvilPeer('127.9.4.12', answerSlowly());
    await using silent = await startEvilPeer('127.9.4.13', () => {});
    await using wrong = await startEvilPeer('127.9.4.14', answerWrongly);
    const { ms } = await timeRead([slow, silent, wrong], async ({ downloader }) => {
      expect(count(downloader, 'bad piece')).toBeLessThanOrEqual(BAD_PIECES_MAX);
      expect(count(downloader, 'peer banned')).toBe(1);
    });
    console.info(`alone ${Math.round(aloneMs)} ms, beside them ${Math.round(ms)} ms: ${(ms / aloneMs).toFixed(2)}`);
    expect(ms / aloneMs).toBeLessThan(RATIO_MAX);
  });
});

/** Connects to our port as a peer does; welcome is who gets a handshake back. */
async function knock(port: number, localAddress: string): Promise<{ isWelcome: boolean }> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  const closed = new AbortController();
  socket.on('error', () => {}).on('close', () => closed.abort());
  socket.write(handshake(film.torrent.infoHash));
  try {
    await once(socket, 'data', { signal: AbortSignal.any([closed.signal, AbortSignal.timeout(5000)]) });
    return { isWelcome: true };
  } catch {
    return { isWelcome: false };
  } finally {
    socket.destroy();
  }
}
