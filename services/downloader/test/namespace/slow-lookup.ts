import { createDiffieHellman, createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Server, type Socket } from 'node:net';
import { makeTempDir } from '@lodestream/testing';
import WebTorrent from 'webtorrent';
import { MSE_PRIME } from '../encrypted-peer.ts';
import { handshake } from '../raw-peer.ts';

/** A client that is slow to say which torrent a peer means, and a peer that has left by then. Started by `hostile/incoming.test.ts`. */
export type SlowLookupInput = { opening: 'plain' | 'encrypted' };
/** Peers that the torrent has afterwards. */
export type SlowLookupOutput = { peers: number };

// What its own types leave out.
type Inside = {
  add(infoHash: string, options: { path: string }): { _peers: Map<string, unknown> };
  get(id: unknown): Promise<unknown>;
  _getByHash(hash: string): Promise<unknown>;
  _connPool: { tcpServer: Server };
  torrentPort: number;
  destroy(callback: () => void): void;
};

const HASH = 'ec'.repeat(20);
const KEY_BYTES = 96;
const TIMEOUT_MS = 20_000;
const sha1 = (...parts: (string | Buffer)[]) =>
  createHash('sha1')
    .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
    .digest();
const padded = (key: Buffer) => Buffer.concat([Buffer.alloc(KEY_BYTES - key.length), key]);

const { opening } = JSON.parse(process.argv[2] ?? '') as SlowLookupInput;
const signal = AbortSignal.timeout(TIMEOUT_MS);
await using dir = await makeTempDir('slow-lookup');
const options = { utp: false, secure: 1, dht: false, lsd: false, natUpnp: false, natPmp: false, tracker: false, webSeeds: false };
const client = new WebTorrent(options as never) as unknown as Inside & NodeJS.EventEmitter;
const torrent = client.add(HASH, { path: dir.path });
await once(client, 'listening', { signal });

const asked = Promise.withResolvers<void>();
const answer = Promise.withResolvers<void>();
for (const method of ['get', '_getByHash'] as const) {
  const find = client[method].bind(client) as (id: unknown) => Promise<unknown>;
  client[method] = async (id: unknown) => {
    const found = await find(id);
    asked.resolve();
    await answer.promise;
    return found;
  };
}

const accepted = once(client._connPool.tcpServer, 'connection', { signal }) as Promise<[Socket]>;
const socket = connect(client.torrentPort, '127.0.0.1');
await (opening === 'plain' ? socket.write(handshake(HASH)) : nameEncrypted(socket));
await asked.promise;
const [conn] = await accepted;
// `once` would take the reset for a failure.
const closed = new Promise<void>((resolve) => conn.once('close', () => resolve()));
socket.resetAndDestroy();
await closed;
answer.resolve();
// Whoever waited for the answer has had it after this.
await new Promise(setImmediate);
const peers = torrent._peers.size;
await new Promise<void>((resolve) => client.destroy(resolve));
process.stdout.write(`${JSON.stringify({ peers } satisfies SlowLookupOutput)}\n`);

/** Exchanges keys and names the torrent, as an encrypted connection begins (MSE, steps 1 to 3). */
async function nameEncrypted(peer: Socket): Promise<void> {
  const keys = createDiffieHellman(Buffer.from(MSE_PRIME, 'hex'), Buffer.from([2]));
  peer.write(padded(keys.generateKeys()));
  const [reply] = (await once(peer, 'data', { signal })) as [Buffer];
  const secret = padded(keys.computeSecret(reply.subarray(0, KEY_BYTES)));
  const named = sha1('req2', Buffer.from(HASH, 'hex'));
  const mask = sha1('req3', secret);
  peer.write(Buffer.concat([sha1('req1', secret), Buffer.from(named.map((byte, at) => byte ^ (mask[at] ?? 0)))]));
}
