import { delay, ProblemError, requestSignal } from '@lodestream/service-kit';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { BASE_HEADERS } from '../edge/response-headers.ts';
import type { Deps } from './deps.ts';
import { FileIndexParameter, TorrentParams } from './parameters.ts';

const EVERY_MS = 1000;
/** Early on things change fast, and the viewer looks. */
const FIRST_EVERY_MS = 300;
const FIRST_EVENTS = 20;
/** The browser opens a new one by itself; an open end would outlive every restart plan of a proxy. */
const MAX_STREAM_MS = 3_600_000;

export function eventRoutes(app: FastifyInstance, { viewers, limits, torrents, drain }: Deps): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/api/v1/torrents/:infoHash/events',
    {
      schema: {
        summary: 'Server-Sent Events: stage, hints, swarm figures and the piece map',
        params: TorrentParams,
        querystring: z.object({ file: FileIndexParameter.optional() }),
      },
    },
    async (request, reply) => {
      const { infoHash } = request.params;
      const gone = AbortSignal.any([requestSignal(reply), drain.closing]);
      let event = await viewers.event(infoHash, request.query.file);
      const release = limits.openStream(request.ip, 'openEvents');
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        ...BASE_HEADERS,
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      const endAt = performance.now() + MAX_STREAM_MS;
      // The files of the torrent are what a viewer waits for first: they are told of at once.
      let known: Promise<void> | undefined;
      if (event.status === 'queued' || event.status === 'resolving')
        known = torrents
          .ready(infoHash, gone)
          .catch(() => {})
          .finally(() => {
            known = undefined;
          });
      try {
        for (let sent = 0; performance.now() < endAt; sent++) {
          // A client that does not read is not written to: nothing piles up.
          if (!raw.writableNeedDrain) raw.write(`event: state\ndata: ${JSON.stringify(event)}\n\n`);
          const pause = delay(sent < FIRST_EVENTS ? FIRST_EVERY_MS : EVERY_MS, gone);
          await (known ? Promise.race([pause, known]) : pause);
          event = await viewers.event(infoHash, request.query.file);
        }
        raw.end();
      } catch (error) {
        if (error instanceof ProblemError) raw.end(`event: problem\ndata: ${JSON.stringify(error.problem)}\n\n`);
        // A clean end: the browser opens the next one, at whichever gateway is there.
        else if (drain.closing.aborted) raw.end();
        else raw.destroy();
      } finally {
        release();
      }
    },
  );
}
