import { createServer } from 'node:net';

/**
 * A port of `[first, last]` that is free now, or 0 (any) where none is given. It begins at a random one, because other
 * downloaders of this machine look at the same time.
 * @throws when all are taken.
 */
export async function pickPeerPort(range: readonly [number, number] | undefined): Promise<number> {
  if (!range) return 0;
  const [first, last] = range;
  const count = last - first + 1;
  const start = Math.floor(Math.random() * count);
  for (let step = 0; step < count; step++) {
    const port = first + ((start + step) % count);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port in ${first}-${last}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
