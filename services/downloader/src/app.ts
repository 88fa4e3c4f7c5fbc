import { buildWorkerApp, type IdleClock, type Logger } from '@lodestream/service-kit';
import type { FastifyInstance } from 'fastify';
import { fileBytesRoutes } from './routes/file-bytes.ts';
import { torrentRoutes } from './routes/torrent.ts';
import type { Downloader } from './torrent/downloader.ts';

export type AppDependencies = { downloader: Downloader; clock: IdleClock; token: string; logger: Logger };

export function buildApp({ downloader, clock, token, logger }: AppDependencies): FastifyInstance {
  const app = buildWorkerApp(token, logger);
  torrentRoutes(app, downloader, clock);
  fileBytesRoutes(app, downloader, clock);
  return app;
}
