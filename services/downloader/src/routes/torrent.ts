import { type IdleClock, ProblemError, requestSignal } from '@lodestream/service-kit';
import type { DownloaderStatus, SwarmKnowledge } from '@lodestream/shared';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Downloader } from '../torrent/downloader.ts';

/** `wait`: answer when the metadata is here or can never be, at the latest after so many seconds. */
const StatusQuery = z.object({
  file: z.coerce.number().int().nonnegative().optional(),
  wait: z.coerce.number().positive().max(60).optional(),
});

const KnowledgeQuery = z.object({ metadata: z.literal('1').optional() });

/** `GET /knowledge` (for the next downloader), `GET /status` (no access), `POST /touch` (what the gateway served from its own memory), `GET /metainfo`. */
export function torrentRoutes(app: FastifyInstance, downloader: Downloader, clock: IdleClock): void {
  app.get('/status', async (request, reply): Promise<DownloaderStatus> => {
    const query = StatusQuery.safeParse(request.query);
    if (!query.success) throw new ProblemError('invalid-request');
    const { file, wait } = query.data;
    if (wait !== undefined) {
      const signal = AbortSignal.any([requestSignal(reply), AbortSignal.timeout(wait * 1000)]);
      // Whatever it was, the status says it.
      await downloader.waitForContent(signal).catch(() => {});
    }
    return { ...downloader.status(file), idleSeconds: clock.idleSeconds() };
  });

  app.post('/touch', async (_request, reply) => {
    clock.touch();
    return reply.code(204).send();
  });

  app.get('/knowledge', async (request): Promise<SwarmKnowledge> => {
    const query = KnowledgeQuery.safeParse(request.query);
    if (!query.success) throw new ProblemError('invalid-request');
    return downloader.knowledge(query.data.metadata === '1');
  });

  app.get('/metainfo', async (_request, reply) => {
    const bytes = downloader.infoBytes();
    if (!bytes) throw new ProblemError('not-ready', { stage: 'metadata' });
    return reply.header('content-type', 'application/octet-stream').send(Buffer.from(bytes));
  });
}
