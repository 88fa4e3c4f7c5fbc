import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, makeTempDir, pickFreePort, startLibtorrentSeeder, waitFor } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { makeRandomFilm } from '../random-film.ts';
import { extended, ID, type MessageListener, message, startRawPeer, uint32 } from '../raw-peer.ts';
import { startDownloader } from '../start-downloader.ts';
import { expectAlive, greet } from './attack.ts';

const HASH = 'eb'.repeat(20);
const TIMEOUT_MS = 20_000;
const SETTLE_MS = 1000;
/** Peers of one message of peer exchange that are taken. */
const PEX_MAX = 50;
/** Peers that wait to be dialled, and connections that may be open meanwhile. */
const QUEUED_MAX = 200;
const CONNECTIONS_MAX = 55;
const UPLOAD_SLOTS = 4;

const compact = (address: string, port: number) => Buffer.from([...address.split('.').map(Number), port >> 8, port & 255]);
const addressOf = (peer: { address: string; port: number }) => `${peer.address}:${peer.port}`;

async function listen(address: string, onSocket: (socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  let isOver = false;
  const server = createServer((socket) => {
    // Accepted late, it would keep the server open for ever.
    if (isOver) return socket.destroy();
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  server.listen(0, address);
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

type Serving = AsyncDisposable & {
  downloader: Awaited<ReturnType<typeof startDownloader>>;
  /** A peer that may ask for pieces. */
  socket: Socket;
  /** How often it heard each kind of message. */
  heard: ReadonlyMap<number, number>;
};

/** A downloader that has the beginning of a film, and a peer that it serves; its seeder is at `address`. */
async function startServing(address: string): Promise<Serving> {
  const opened = new AsyncDisposableStack();
  try {
    const film = opened.use(await makeRandomFilm(2, 256 * 1024));
    const { infoHash } = film.torrent;
    const seeder = opened.use(await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address }));
    const work = opened.use(await makeTempDir('work'));
    const port = await pickFreePort('0.0.0.0');
    const options = { infoHash, workDir: work.path, peers: [addressOf(seeder)], peerPorts: [port, port] as [number, number] };
    const downloader = opened.use(await startDownloader(options));
    await downloader.read(0, 0, 1000);
    const heard = new Map<number, number>();
    const socket = await greet(port, infoHash, { onMessage: (id) => void heard.set(id, (heard.get(id) ?? 0) + 1) });
    socket.write(message(ID.interested));
    await waitFor(() => heard.has(ID.unchoke), { what: 'it is served', timeoutMs: TIMEOUT_MS });
    return { downloader, socket, heard, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

it('of the peers that a peer names in one message the first fifty are taken', async () => {
  const hits = { taken: 0, beyond: 0 };
  await using taken = await listen('127.0.0.1', () => hits.taken++);
  await using beyond = await listen('127.0.0.1', () => hits.beyond++);
  const named = [
    ...Array.from({ length: PEX_MAX - 1 }, (_, index) => compact('10.0.0.1', 1000 + index)),
    compact('127.0.0.1', taken.port),
    compact('127.0.0.1', beyond.port),
  ];
  const bytes = Buffer.concat(named);
  await using gossip = await startRawPeer(HASH, '127.9.22.1', (socket) => {
    socket.write(extended(0, 'd1:md6:ut_pexi2eee'));
    socket.write(extended(2, Buffer.concat([Buffer.from(`d5:added${bytes.length}:`), bytes, Buffer.from('e')])));
  });
  await using work = await makeTempDir('work');
  await using _downloader = await startDownloader({ infoHash: HASH, workDir: work.path, peers: [addressOf(gossip)] });
  await waitFor(() => hits.taken > 0, { what: 'the last of them is dialled', timeoutMs: TIMEOUT_MS });
  await sleep(SETTLE_MS);
  expect(hits.beyond).toBe(0);
});

it('of the peers that wait to be dialled there are two hundred at most, whoever names them', async () => {
  const dialled = new Set<string>();
  const open = new Set<Socket>();
  let isHolding = true;
  await using everywhere = await listen('0.0.0.0', (socket) => {
    dialled.add(String(socket.localAddress));
    open.add(socket);
    if (!isHolding) socket.destroy();
  });
  const bytes = (round: number) =>
    Buffer.concat(Array.from({ length: PEX_MAX }, (_, index) => compact(`127.50.${round}.${index + 1}`, everywhere.port)));
  const ROUNDS = 12;
  await using stack = new AsyncDisposableStack();
  const gossips: string[] = [];
  let said = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const gossip = await startRawPeer(HASH, `127.9.23.${round + 1}`, (socket) => {
      socket.write(extended(0, 'd1:md6:ut_pexi2eee'));
      const list = bytes(round);
      socket.write(extended(2, Buffer.concat([Buffer.from(`d5:added${list.length}:`), list, Buffer.from('e')])));
      said += 1;
    });
    gossips.push(addressOf(stack.use(gossip)));
  }
  await using work = await makeTempDir('work');
  await using _downloader = await startDownloader({ infoHash: HASH, workDir: work.path, peers: gossips });
  await waitFor(() => said === ROUNDS, { what: 'all have been named', timeoutMs: TIMEOUT_MS });
  await sleep(SETTLE_MS);
  // From here on everybody hangs up at once: whoever waits has his turn.
  isHolding = false;
  for (const socket of open) socket.destroy();
  let seen = 0;
  await waitFor(
    async () => {
      const before = seen;
      seen = dialled.size;
      await sleep(SETTLE_MS);
      return before === dialled.size;
    },
    { what: 'nobody waits any more', timeoutMs: 4 * TIMEOUT_MS },
  );
  expect(dialled.size).toBeGreaterThan(QUEUED_MAX / 2);
  expect(dialled.size).toBeLessThanOrEqual(QUEUED_MAX + CONNECTIONS_MAX);
});

it('a peer that says nothing is left after a few seconds', async () => {
  const closed = Promise.withResolvers<number>();
  await using silent = await listen('127.9.24.1', (socket) => {
    const since = performance.now();
    socket.resume();
    socket.once('close', () => closed.resolve(performance.now() - since));
  });
  await using work = await makeTempDir('work');
  await using _downloader = await startDownloader({ infoHash: HASH, workDir: work.path, peers: [`127.9.24.1:${silent.port}`] });
  const late = new Promise<string>((resolve) => setTimeout(resolve, TIMEOUT_MS, 'is still waited for').unref());
  expect(await Promise.race([closed.promise, late])).toBeTypeOf('number');
});

it('a peer that hangs up after its handshake is dialled less and less often', async () => {
  await using peer = await startRawPeer(HASH, '127.9.25.1', (socket) => socket.destroy());
  await using work = await makeTempDir('work');
  await using _downloader = await startDownloader({ infoHash: HASH, workDir: work.path, peers: [addressOf(peer)] });
  await waitFor(() => peer.connections() > 1, { what: 'it is dialled again', timeoutMs: TIMEOUT_MS });
  // After one second again, then after five.
  await sleep(3 * SETTLE_MS);
  expect(peer.connections()).toBe(2);
});

it('of many that are interested four are served from the first second, and a request of a piece that is not here is refused', async () => {
  await using film = await makeRandomFilm(2, 64 * 1024);
  const { infoHash } = film.torrent;
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.26.1' });
  await using work = await makeTempDir('work');
  const port = await pickFreePort('0.0.0.0');
  const options = { infoHash, workDir: work.path, peers: [addressOf(seeder)], peerPorts: [port, port] as [number, number] };
  await using downloader = await startDownloader(options);
  // The beginning is here, the middle is not.
  await downloader.read(0, 0, 1000);
  const heard: Map<number, Buffer[]>[] = [];
  const leech = async () => {
    const messages = new Map<number, Buffer[]>();
    heard.push(messages);
    const onMessage: MessageListener = (id, body) => void messages.set(id, [...(messages.get(id) ?? []), Buffer.from(body)]);
    const socket = await greet(port, infoHash, { onMessage });
    socket.write(message(ID.interested));
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: 12 }, leech));
  const unchoked = () => [...heard.keys()].filter((index) => heard[index]?.has(ID.unchoke));
  await waitFor(() => unchoked().length > 0, { what: 'somebody is served', timeoutMs: TIMEOUT_MS });
  await sleep(SETTLE_MS);
  expect(unchoked().length).toBeLessThanOrEqual(UPLOAD_SLOTS);

  const { havePieces, pieceCount } = (await downloader.status()).swarm;
  expect(havePieces).toBeLessThan(pieceCount);
  const pieces = (await downloader.status(0)).pieces?.have ?? '';
  const bits = Buffer.from(pieces, 'base64');
  const missing = Array.from({ length: pieceCount }, (_, index) => index).find(
    (index) => !((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))),
  ) as number;
  const [first] = unchoked() as [number];
  sockets[first]?.write(message(ID.request, uint32(missing, 0, 16_384)));
  await waitFor(() => heard[first]?.has(ID.reject), { what: 'it is told so', timeoutMs: TIMEOUT_MS });
  // A choke withdraws all requests, and would hide that this one has no answer of its own.
  expect(heard[first]?.has(ID.choke)).toBe(false);
  for (const socket of sockets) socket.destroy();
});

it('a peer that asks for much and reads nothing is left before it has filled the memory', async () => {
  await using served = await startServing('127.9.26.2');
  const { downloader, socket } = served;
  socket.pause();
  const REQUESTS_MAX = 2000;
  let requests = 0;
  // Few at a time: each is answered before the next comes.
  for (; requests < REQUESTS_MAX && !socket.destroyed; requests += 10) {
    socket.write(Buffer.concat(Array.from({ length: 10 }, () => message(ID.request, uint32(0, 0, 131_072)))));
    await sleep(10);
  }
  expect(requests).toBeLessThan(REQUESTS_MAX);
  await expectAlive(downloader, 'unread requests');
});

it('a peer that announces a message of four gigabytes is left, though a signed number of that is small', async () => {
  await using work = await makeTempDir('work');
  const port = await pickFreePort('0.0.0.0');
  await using _downloader = await startDownloader({ infoHash: HASH, workDir: work.path, peerPorts: [port, port] });
  const socket = await greet(port, HASH);
  socket.resume();
  socket.write(uint32(0xffff_ffff));
  await once(socket, 'close', { signal: AbortSignal.timeout(TIMEOUT_MS) });
});

it('a peer that has a thousand requests open is left, however fast it reads', async () => {
  await using served = await startServing('127.9.26.3');
  const { socket, heard } = served;
  const pieces = () => heard.get(ID.piece) ?? 0;
  const REQUESTS = 2000;
  const requests = Buffer.concat(Array.from({ length: REQUESTS }, (_, at) => message(ID.request, uint32(0, at % 1024, 1024))));
  socket.write(requests);
  await waitFor(() => socket.destroyed || pieces() === REQUESTS, { what: 'it is left, or served', timeoutMs: TIMEOUT_MS });
  expect([socket.destroyed, pieces() < REQUESTS]).toEqual([true, true]);
});

it('bitfields of a torrent of many pieces cost little, however many are sent', async () => {
  const PIECES = 200_000;
  const BITFIELDS = 400;
  const BITFIELDS_PEERS = 20;
  /** What a clock of 10 ms and the rest of the process may add. */
  const MOMENT_MS = 200;
  const info = Buffer.from(
    `d6:lengthi${PIECES * 16_384}e4:name1:x12:piece lengthi16384e6:pieces${PIECES * 20}:${'h'.repeat(PIECES * 20)}e`,
  );
  const metainfo = Buffer.concat([Buffer.from('d4:info'), info, Buffer.from('e')]);
  const infoHash = createHash('sha1').update(info).digest('hex');
  await using work = await makeTempDir('work');
  const port = await pickFreePort('0.0.0.0');
  await using downloader = await startDownloader({ infoHash, workDir: work.path, metainfo, peerPorts: [port, port] });
  const bitfield = message(ID.bitfield, Buffer.alloc(PIECES / 8, 0xff));
  const costOf = async (sockets: Socket[]) => {
    const before = cpuMs(downloader.pid);
    for (const socket of sockets) for (let sent = 0; sent < BITFIELDS / sockets.length; sent++) socket.write(bitfield);
    await sleep(SETTLE_MS);
    await expectAlive(downloader, `${BITFIELDS} bitfields of ${sockets.length}`);
    return cpuMs(downloader.pid) - before;
  };
  const alone = [await greet(port, infoHash)];
  const first = await costOf(alone);
  const sockets = [...alone, ...(await Promise.all(Array.from({ length: BITFIELDS_PEERS - 1 }, () => greet(port, infoHash))))];
  // As many messages as before: what each costs does not grow with the peers that are there.
  expect(await costOf(sockets)).toBeLessThan(3 * first + MOMENT_MS);
  for (const socket of sockets) socket.destroy();
});
