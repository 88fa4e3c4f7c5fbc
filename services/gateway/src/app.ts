import swagger from '@fastify/swagger';
import { installErrorHandler, ProblemError, sendProblem } from '@lodestream/service-kit';
import { buildProblem } from '@lodestream/shared';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { isCrossSite, isHostAllowed } from './edge/host-check.ts';
import { BASE_HEADERS } from './edge/response-headers.ts';
import { contentRoutes } from './routes/content.ts';
import type { Deps } from './routes/deps.ts';
import { entryHooks } from './routes/entry.ts';
import { eventRoutes } from './routes/events.ts';
import { mediaRoutes } from './routes/media.ts';
import { playlistRoutes } from './routes/playlists.ts';
import { segmentRoutes } from './routes/segments.ts';
import { torrentRoutes } from './routes/torrents.ts';
import { webAppRoutes } from './routes/web-app.ts';

/** security.md §6.4: headers within 10 s, a whole request within 60 s (a .torrent over a slow line). */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than the idle time of usual load balancers, so that they close first. */
const KEEP_ALIVE_MS = 65_000;
const MAX_PARAM_LENGTH = 128;
/** Of JSON; a .torrent has a limit of its own, which a limit of the route would override. */
const MAX_JSON_BYTES = 64 * 1024;
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The public application: the door that everything comes in by. No side effects: main.ts listens. */
export async function buildApp(deps: Deps): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: deps.trustedProxies.length > 0 ? [...deps.trustedProxies] : false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: true,
    bodyLimit: MAX_JSON_BYTES,
    // A path that cannot be decoded never reaches a hook: it gets the same headers and document here.
    frameworkErrors: (_error, _request, reply) =>
      void sendProblem(reply.headers(BASE_HEADERS) as never, buildProblem('invalid-request')),
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
  }) as unknown as FastifyInstance;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installErrorHandler(app);
  // A form of another site can post text/plain without asking first: nothing here reads it.
  app.removeContentTypeParser('text/plain');

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(BASE_HEADERS);
    // A client that keeps its connection would keep coming back here.
    if (!deps.drain.isReady()) reply.raw.shouldKeepAlive = false;
    if (request.url === '/livez' || request.url === '/readyz') return;
    if (!isHostAllowed(request.host, request.socket.localAddress, deps.publicHosts))
      throw new ProblemError('host-not-allowed', {
        detail: 'To open this server by this name, set LODESTREAM_PUBLIC_URL to it (for example http://media.lan:8080).',
      });
    if (!SAFE_METHODS.has(request.method) && isCrossSite(request.headers, request.host))
      throw new ProblemError('origin-not-allowed');
    if (request.url.startsWith('/api/')) await deps.limits.takeRequest(request.ip);
  });
  app.addHook('onSend', async (request, reply) => {
    if (request.url.startsWith('/api/') && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });

  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Lodestream', version: '1' } },
    transform: jsonSchemaTransform,
  });
  await app.register(async (api) => {
    entryHooks(api, deps);
    torrentRoutes(api, deps);
    eventRoutes(api, deps);
    mediaRoutes(api, deps);
    playlistRoutes(api, deps);
    segmentRoutes(api, deps);
    contentRoutes(api, deps);
  });
  app.get('/api/v1/openapi.json', { schema: { hide: true } as object }, async () => app.swagger());
  app.get('/livez', { schema: { hide: true } as object }, async () => ({ status: 'ok' }));
  app.get('/readyz', { schema: { hide: true } as object }, async () => {
    if (!deps.drain.isReady()) throw new ProblemError('draining');
    return { status: 'ok' };
  });
  webAppRoutes(app, deps);
  return app;
}
