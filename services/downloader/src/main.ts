import { createIdleClock, createLogger, loadWorkerConfig, runWorker } from '@lodestream/service-kit';
import { DownloaderSpec } from '@lodestream/shared';
import { buildApp } from './app.ts';
import { openDownloader } from './torrent/downloader.ts';

const config = loadWorkerConfig(DownloaderSpec);
const logger = createLogger(config.spec.name, config.logLevel);
const clock = createIdleClock();
const downloader = await openDownloader(config.spec, config.workDir, logger);
const app = buildApp({ downloader, clock, token: config.token, logger });
await runWorker({ app, config, logger, clock, leave: () => downloader.leave() });
