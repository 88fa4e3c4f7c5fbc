import { createIdleClock, createLogger, loadWorkerConfig, runWorker } from '@lodestream/service-kit';
import { rehearse } from '@lodestream/service-kit/rehearsal';
import { waitForJob } from '@lodestream/service-kit/standby';
import { fetchWholeSpec } from '@lodestream/service-kit/whole-spec';
import { DownloaderSpec } from '@lodestream/shared';
import { buildApp } from './app.ts';
import { createAddressFilter } from './torrent/address-filter.ts';
import { openDownloader } from './torrent/downloader.ts';
import { guardEgress } from './torrent/egress-guard.ts';
import { guardWebRtc } from './torrent/webrtc-guard.ts';

// All of its code is imported above.
await waitForJob(rehearse);
await fetchWholeSpec();
const config = loadWorkerConfig(DownloaderSpec);
const logger = createLogger('downloader', config.logLevel);
const clock = createIdleClock();
const isAllowed = createAddressFilter(config.spec.network.allowedPrivateNetworks);
guardEgress(isAllowed, config.callHomeUrls.map(readHostAndPort));
guardWebRtc(isAllowed);
const downloader = await openDownloader(config.spec, config.workDir, isAllowed, logger);
const app = buildApp({ downloader, clock, token: config.token, logger });
await runWorker({ app, config, logger, clock, leave: () => downloader.leave() });

function readHostAndPort(url: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}
