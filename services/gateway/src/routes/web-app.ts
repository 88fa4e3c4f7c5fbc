import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { PAGE_HEADERS } from '../edge/response-headers.ts';
import type { Deps } from './deps.ts';

/** The built web app: hashed assets for ever, its one page for every path that is the app's own. */
export function webAppRoutes(app: FastifyInstance, { webDir, orchestrator }: Pick<Deps, 'webDir' | 'orchestrator'>): void {
  if (!existsSync(join(webDir, 'index.html'))) {
    app.log.warn('the web app is not built: the API answers alone');
    return;
  }
  app.register(fastifyStatic, {
    root: webDir,
    cacheControl: false,
    index: false,
    setHeaders(response, path) {
      const isHashed = path.includes('/assets/');
      response.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      for (const [name, value] of Object.entries(PAGE_HEADERS)) response.header(name, value);
    },
  });
  for (const path of ['/', '/t/*'])
    app.get(path, { schema: { hide: true } as object }, (_request, reply) => {
      orchestrator.expect();
      return reply.sendFile('index.html');
    });
}
