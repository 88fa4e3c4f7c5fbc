import { installErrorHandler, type Logger, ProblemError } from '@lodestream/service-kit';
import { CallHome } from '@lodestream/shared';
import Fastify, { type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
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
    const token = readToken(request);
    if (!call.success || !orchestrator.callHome(call.data, token, request.ip)) throw new ProblemError('not-found');
    return reply.code(204).send();
  });
  app.get<{ Params: { name: string } }>('/specs/:name', async (request, reply) => {
    const spec = orchestrator.specOf(request.params.name, readToken(request));
    if (!spec) throw new ProblemError('not-found');
    return reply.send(spec);
  });
  app.get('/metrics', async (_request, reply) => reply.header('content-type', metrics.contentType).send(await metrics.text()));
  return app;
}

function readToken(request: FastifyRequest): string {
  return request.headers.authorization?.replace(/^Bearer /, '') ?? '';
}
