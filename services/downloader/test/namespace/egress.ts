import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { makeTempDir, NAMESPACE_ADDRESS, type PacketsTo, startPacketLog, startTracker, waitFor } from '@lodestream/testing';
import { RTCPeerConnection } from 'webrtc-polyfill';
import { makeRandomFilm } from '../random-film.ts';
import { extended, ID, message, startRawPeer } from '../raw-peer.ts';
import { startDownloader } from '../start-downloader.ts';

/**
 * Run in a network namespace: one downloader, and everybody who may tell it an address tells it one of its own in
 * 192.168.77.0/24 and fd66::/64. The output is where packets went.
 */
export type EgressInput = { allowed: string[]; settleMs: number };
export type EgressOutput = { packets: PacketsTo[]; isAlive: boolean };

/** Each source of addresses has a canary address of its own: .1, .2, … */
export const SOURCES = [
  'x.pe',
  'HTTP tracker address',
  'UDP tracker address',
  'WebSocket tracker address',
  'HTTP tracker redirect',
  'HTTP tracker peers',
  'HTTP tracker peers as a dictionary',
  'UDP tracker peers',
  'PEX',
  'DHT bootstrap',
  'DHT nodes',
  'DHT peers',
  'web seed address',
  'web seed redirect',
  'WebRTC candidate',
] as const;
type Source = (typeof SOURCES)[number];

/** Of IPv6 there are canaries for those sources that can name one. */
export const SOURCES_V6: readonly Source[] = ['x.pe', 'HTTP tracker peers', 'PEX', 'WebRTC candidate'];

const PORT = 6881;
export const canaryOf = (source: Source) => `192.168.77.${SOURCES.indexOf(source) + 1}`;
export const canaryV6Of = (source: Source) => `fd66::${SOURCES.indexOf(source) + 1}`;

const portBytes = Buffer.from([PORT >> 8, PORT & 0xff]);
const compact = (source: Source) => Buffer.concat([Buffer.from(canaryOf(source).split('.').map(Number)), portBytes]);
const compactV6 = (source: Source) => {
  const address = Buffer.alloc(16);
  address.set([0xfd, 0x66]);
  address[15] = SOURCES.indexOf(source) + 1;
  return Buffer.concat([address, portBytes]);
};
const bytes = (...parts: (string | Buffer)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const text = (value: string) => `${value.length}:${value}`;

async function startHttp(stack: AsyncDisposableStack, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function startUdp(stack: AsyncDisposableStack, answer: (packet: Buffer) => Buffer | null): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (packet: Buffer, from: RemoteInfo) => {
    const reply = answer(packet);
    if (reply) socket.send(reply, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  stack.defer(() => void socket.close());
  return socket.address().port;
}

/** BEP 15: the connection id for a connect, one peer for an announce. */
function answerUdpTracker(packet: Buffer): Buffer {
  const isConnect = packet.readUInt32BE(8) === 0;
  const head = Buffer.alloc(isConnect ? 8 : 8 + 12);
  head.writeUInt32BE(isConnect ? 0 : 1, 0);
  packet.copy(head, 4, 12, 16);
  if (!isConnect) head.writeUInt32BE(1800, 8);
  return bytes(head, isConnect ? Buffer.alloc(8, 1) : compact('UDP tracker peers'));
}

/** BEP 5: every question is answered with a node and a peer. */
function answerDht(packet: Buffer): Buffer | null {
  const said = packet.toString('latin1');
  const transaction = /1:t(\d+):/.exec(said);
  if (!transaction || !said.includes('1:y1:q')) return null;
  const start = transaction.index + transaction[0].length;
  const id = packet.subarray(start, start + Number(transaction[1]));
  const nodes = bytes(Buffer.alloc(20, 9), compact('DHT nodes'));
  const values = said.includes('get_peers') ? bytes('5:token1:x', '6:valuesl6:', compact('DHT peers'), 'e') : '';
  return bytes('d1:rd2:id20:', Buffer.alloc(20, 8), '5:nodes26:', nodes, values, `e1:t${id.length}:`, id, '1:y1:re');
}

/** An offer like a browser's, with candidates at the canaries, brought by a real tracker. */
async function sendOffer(stack: AsyncDisposableStack, announceUrl: string, infoHash: string): Promise<void> {
  const connection = new RTCPeerConnection({ iceServers: [] });
  stack.defer(() => connection.close());
  connection.createDataChannel('x');
  const { sdp } = await connection.createOffer();
  const addresses = [canaryOf('WebRTC candidate'), canaryV6Of('WebRTC candidate'), 'canary.invalid', '5d0f6a36.local'];
  const candidates = addresses.map(
    (address, index) => `a=candidate:${index + 1} 1 UDP 2122260223 ${address} ${PORT} typ host\r\n`,
  );
  const own = sdp.split(/\r?\n/).filter((line) => line !== '' && !/^a=(candidate|end-of)/.test(line));
  const offer = { type: 'offer', sdp: `${own.join('\r\n')}\r\n${candidates.join('')}` };
  const binary = (hex: string) => Buffer.from(hex, 'hex').toString('latin1');
  const socket = new WebSocket(announceUrl);
  stack.defer(() => socket.close());
  await once(socket, 'open');
  const offers = [{ offer, offer_id: binary('01'.repeat(20)) }];
  const announce = { action: 'announce', info_hash: binary(infoHash), peer_id: binary('02'.repeat(20)), numwant: 1, offers };
  socket.send(JSON.stringify({ ...announce, event: 'started', uploaded: 0, downloaded: 0, left: 1 }));
}

async function main({ allowed, settleMs }: EgressInput): Promise<EgressOutput> {
  await using stack = new AsyncDisposableStack();
  const film = stack.use(await makeRandomFilm(1, 64 * 1024));
  const { infoHash, info } = film.torrent;
  const at = (source: Source) => `${canaryOf(source)}:${PORT}`;

  const redirecting = await startHttp(stack, (_, response) => {
    response.writeHead(302, { location: `http://${at('HTTP tracker redirect')}/announce` }).end();
  });
  const naming = await startHttp(stack, (_, response) => {
    const peers6 = compactV6('HTTP tracker peers');
    response.end(bytes('d8:intervali60e5:peers6:', compact('HTTP tracker peers'), `6:peers6${peers6.length}:`, peers6, 'e'));
  });
  const dictionary = await startHttp(stack, (_, response) => {
    const peer = `d2:ip${text(canaryOf('HTTP tracker peers as a dictionary'))}4:porti${PORT}ee`;
    response.end(`d8:intervali60e5:peersl${peer}ee`);
  });
  const seed = await startHttp(stack, (_, response) => {
    response.writeHead(302, { location: `http://${at('web seed redirect')}/film.mkv` }).end();
  });
  const udpTracker = await startUdp(stack, answerUdpTracker);
  const node = await startUdp(stack, answerDht);
  const wsTracker = stack.use(await startTracker('ws'));
  const gossip = stack.use(
    await startRawPeer(infoHash, '127.0.0.3', (socket, onMessage) => {
      socket.write(extended(0, 'd1:md6:ut_pexi2eee'));
      socket.write(message(ID.haveAll));
      onMessage((id, body) => {
        const pexId = /6:ut_pexi(\d+)e/.exec(body.toString('latin1'))?.[1];
        if (id !== ID.extended || body[0] !== 0 || pexId === undefined) return;
        const added = bytes('d5:added6:', compact('PEX'), '6:added618:', compactV6('PEX'), 'e');
        socket.write(extended(Number(pexId), added));
      });
    }),
  );

  const log = stack.use(await startPacketLog());
  const work = stack.use(await makeTempDir('work'));
  const downloader = stack.use(
    await startDownloader({
      infoHash,
      metainfo: film.torrent.metainfo,
      workDir: work.path,
      allowedPrivateNetworks: ['127.0.0.0/8', `${NAMESPACE_ADDRESS}/24`, ...allowed],
      peers: [`127.0.0.3:${gossip.port}`, at('x.pe'), `[${canaryV6Of('x.pe')}]:${PORT}`, `[::ffff:${canaryOf('x.pe')}]:${PORT}`],
      trackers: [
        `http://${at('HTTP tracker address')}/announce`,
        `udp://${at('UDP tracker address')}/announce`,
        `ws://${at('WebSocket tracker address')}/announce`,
        `${redirecting}/announce`,
        `${naming}/announce`,
        `${dictionary}/announce`,
        `udp://127.0.0.1:${udpTracker}/announce`,
        wsTracker.announceUrl,
      ],
      webSeeds: [`http://${at('web seed address')}/film.mkv`, `${seed}/film.mkv`],
      dhtBootstrap: [`127.0.0.1:${node}`, at('DHT bootstrap')],
    }),
  );
  const reading = downloader.fetch('/files/0').catch(() => {});
  await waitFor(() => wsTracker.peerCount(infoHash) > 0, { what: 'it has announced itself', timeoutMs: 20_000 });
  await sendOffer(stack, wsTracker.announceUrl, infoHash);
  const isAt = (packets: PacketsTo[], address: string) => packets.some((each) => each.address === address);
  const wanted = [...SOURCES.map(canaryOf), ...SOURCES_V6.map(canaryV6Of)];
  const until = performance.now() + settleMs;
  let packets = await log.list();
  while (performance.now() < until && !wanted.every((address) => isAt(packets, address))) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    packets = await log.list();
  }
  const isAlive = (await downloader.status()).state === 'ready';
  await downloader.kill();
  await reading;
  if (packets.length === 0 || info.length === 0) throw new Error('the log saw nothing');
  return { packets, isAlive };
}

if (process.argv[2]?.startsWith('{')) {
  console.log(JSON.stringify(await main(JSON.parse(process.argv[2]) as EgressInput)));
  process.exit(0);
}
