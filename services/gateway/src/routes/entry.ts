import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Deps } from './deps.ts';
import type { TorrentParams } from './parameters.ts';

/**
 * Every request for a torrent passes here, whatever it asks of it. A torrent that another gateway has just opened is found first.
 * What is on the denylist is answered with `denied`; what comes onto it while it is being sent is cut off, and what still waits for
 * its first byte is told by `hold`.
 */
export function entryHooks(app: FastifyInstance, { guard, torrents }: Pick<Deps, 'guard' | 'torrents'>): void {
  app.addHook('preHandler', async (request, reply) => {
    const { infoHash } = request.params as Partial<z.infer<typeof TorrentParams>>;
    if (infoHash === undefined) return;
    await torrents.lookFor(infoHash);
    const leave = guard.enter(infoHash, () => {
      if (reply.raw.headersSent) reply.raw.destroy();
    });
    // An answer that is closed says so no second time.
    if (reply.raw.destroyed) leave();
    else reply.raw.once('close', leave);
  });
}
