import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A loopback address of its own for every peer. Clients judge peers by address: transmission refuses one that it saw
 * connect and leave, libtorrent wants one connection per address.
 */
export function pickLoopbackAddress(): string {
  return `127.9.${randomInt(1, 255)}.${randomInt(2, 255)}`;
}

/** A TCP port that is free on the address now. */
export async function pickFreePort(address = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
