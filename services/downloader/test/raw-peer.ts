import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Message ids of BEP 3, 6 and 10. */
export const ID = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  suggest: 13,
  haveAll: 14,
  haveNone: 15,
  reject: 16,
  allowedFast: 17,
  extended: 20,
} as const;

export function message(id: number, body: Uint8Array | string = ''): Buffer {
  const payload = Buffer.concat([Buffer.from([id]), Buffer.from(body)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

export const extended = (subId: number, payload: Uint8Array | string) =>
  message(ID.extended, Buffer.concat([Buffer.from([subId]), Buffer.from(payload)]));

export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * index);
  return bytes;
}

export function handshake(infoHash: string): Buffer {
  const reserved = Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0x04]);
  const peerId = createHash('sha1').update(String(Math.random())).digest();
  return Buffer.concat([Buffer.from('\u0013BitTorrent protocol'), reserved, Buffer.from(infoHash, 'hex'), peerId]);
}

export type MessageListener = (id: number, body: Buffer) => void;

const HANDSHAKE_LENGTH = 68;

/** Cuts a stream that begins with a handshake into messages. What it returns says whether the handshake is complete. */
export function splitMessages(listener: MessageListener): (chunk: Buffer) => boolean {
  let buffer = Buffer.alloc(0);
  let isGreeted = false;
  return (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    if (!isGreeted && buffer.length >= HANDSHAKE_LENGTH) {
      buffer = buffer.subarray(HANDSHAKE_LENGTH);
      isGreeted = true;
      // What it says first is read after whoever waits for the handshake has said how.
      queueMicrotask(cut);
      return true;
    }
    if (isGreeted) cut();
    return isGreeted;
  };

  function cut(): void {
    while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUInt32BE(0)) {
      const length = buffer.readUInt32BE(0);
      if (length > 0) listener(buffer[4] as number, buffer.subarray(5, 4 + length));
      buffer = buffer.subarray(4 + length);
    }
  }
}

export type RawPeer = AsyncDisposable & {
  readonly address: string;
  readonly port: number;
  /** Connections made to it so far. */
  connections(): number;
};

/** A peer of our own on a loopback address: after both handshakes `speak` says what it likes. */
export async function startRawPeer(
  infoHash: string,
  address: string,
  speak: (socket: Socket, onMessage: (listener: MessageListener) => void) => void,
): Promise<RawPeer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let isOver = false;
  const server = createServer((socket) => {
    // Accepted late, it would keep the server open for ever.
    if (isOver) return socket.destroy();
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.write(handshake(infoHash));
    let listener: MessageListener = () => {};
    const read = splitMessages((id, body) => listener(id, body));
    let isGreeted = false;
    socket.on('data', (chunk) => {
      const hasGreeted = read(chunk as Buffer);
      if (!hasGreeted || isGreeted) return;
      isGreeted = true;
      speak(socket, (set) => {
        listener = set;
      });
    });
  });
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    address,
    port,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Connects, says `bytes`, and resolves when the other side hangs up or `settleMs` have passed. */
export async function sayTo(port: number, bytes: readonly Uint8Array[], settleMs: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const each of bytes) socket.write(each);
  // It may hang up with a reset, which is an error to `once`.
  const closed = once(socket, 'close').catch(() => {});
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, settleMs))]);
  socket.destroy();
}
