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

/** So many ports that were given out are not given out again: two that are picked in a row would else be the same at times. */
const GIVEN_MAX = 1000;
const given = new Set<number>();

/** A TCP port that is free on the address now, and not one that this process was given lately. */
export async function pickFreePort(address = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = await findFreePort(address);
    if (given.has(port)) continue;
    given.add(port);
    if (given.size > GIVEN_MAX) given.delete(given.values().next().value as number);
    return port;
  }
}

async function findFreePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
