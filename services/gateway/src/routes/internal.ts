import { installErrorHandler, type Logger, ProblemError } from '@lodestream/service-kit';
import { CallHome } from '@lodestream/shared';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { Metrics } from '../metrics.ts';
import type { Orchestrator } from '../workloads/orchestrator.ts';

const BODY_LIMIT_BYTES = 4096;

/** The internal port: workers call home, Prometheus reads. Never reachable from outside. */
export function buildInternalApp(orchestrator: Orchestrator, metrics: Metrics, logger: Logger): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: true,
  }) as unknown as FastifyInstance;
  installErrorHandler(app);
  app.post('/call-home', async (request, reply) => {
    const call = CallHome.safeParse(request.body);
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    if (!call.success || !orchestrator.callHome(call.data, token)) throw new ProblemError('not-found');
    return reply.code(204).send();
  });
  app.get('/metrics', async (_request, reply) => reply.header('content-type', metrics.contentType).send(await metrics.text()));
  return app;
}
