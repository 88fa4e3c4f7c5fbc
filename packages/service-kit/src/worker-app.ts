import { timingSafeEqual } from 'node:crypto';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { installErrorHandler } from './error-handler.ts';
import type { Logger } from './logger.ts';
import { ProblemError } from './problem-error.ts';

/** A worker's JSON bodies are orders: small. */
const WORKER_BODY_LIMIT_BYTES = 256 * 1024;

/**
 * The HTTP face of a worker: problem documents, and nothing without the token. No time limits on responses: a read
 * waits for its pieces as long as its caller wants to (architecture §7, watchdogs).
 */
export function buildWorkerApp(token: string, logger: Logger): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: WORKER_BODY_LIMIT_BYTES,
    requestTimeout: 30_000,
    keepAliveTimeout: 0,
    forceCloseConnections: true,
  });
  installErrorHandler(app as unknown as FastifyInstance);
  const expected = Buffer.from(`Bearer ${token}`);
  app.addHook('onRequest', async (request) => {
    const given = Buffer.from(request.headers.authorization ?? '');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new ProblemError('not-found');
  });
  return app as unknown as FastifyInstance;
}
