import { DownloaderSpec } from '@lodestream/shared';
import { buildWorkerApp, createIdleClock, createLogger, loadWorkerConfig, runWorker } from '../src/index.ts';

/** A worker that has nothing to do but to live as all of them do. */
const config = loadWorkerConfig(DownloaderSpec);
const logger = createLogger('worker', config.logLevel);
const app = buildWorkerApp(config.token, logger);
await runWorker({ app, config, logger, clock: createIdleClock(), leave: async () => {} });
