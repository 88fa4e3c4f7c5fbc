import http from 'node:http';
import https from 'node:https';
import { flushCompileCache } from 'node:module';
import type { FastifyInstance } from 'fastify';
import { delay } from './abort.ts';
import type { IdleClock } from './idle-clock.ts';
import type { WorkerConfig } from './load-config.ts';
import type { Logger } from './logger.ts';
import { tuneCollector } from './tune-collector.ts';

const CALL_HOME_TRIES = 5;
const CALL_HOME_TIMEOUT_MS = 2000;
const EXPIRY_CHECK_MS = 250;
/** A worker that cannot leave politely in so long leaves anyway; webtorrent's goodbye to a dead tracker takes 1 s. */
const LEAVE_TIMEOUT_MS = 2000;

/** sysexits EX_SOFTWARE: after an exception that nobody caught the state is unknown, so the process ends. */
const EXIT_UNCAUGHT = 70;

export type Worker = {
  app: FastifyInstance;
  config: WorkerConfig;
  logger: Logger;
  clock: IdleClock;
  /** True while a viewer's stream is moving or something else must not be cut off. */
  isBusy?: () => boolean;
  /** Lets go of sockets, children and files. */
  leave: () => Promise<void>;
};

/**
 * The life of a worker: listen, call home, serve until from then on the TTL passes without an access, nobody watches any
 * more, or a SIGTERM; then leave and exit 0. A worker expires itself, so that nothing is left however its gateway ended.
 */
export async function runWorker({ app, config, logger, clock, isBusy, leave }: Worker): Promise<void> {
  const watched = { at: performance.now() };
  app.addHook('onRequest', async (request) => {
    if (request.url.startsWith('/status') || request.url.startsWith('/orders')) watched.at = performance.now();
  });
  const address = await app.listen({ host: config.host, port: config.port });

  let isLeaving = false;
  const exit = async (reason: string, code = 0) => {
    if (isLeaving) return;
    isLeaving = true;
    logger.info({ reason }, 'leaving');
    await Promise.race([leave().catch((error) => logger.error({ err: error }, 'leave failed')), delay(LEAVE_TIMEOUT_MS)]);
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void exit(signal));
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, event);
      process.exit(EXIT_UNCAUGHT);
    });

  let isKnown = false;
  setInterval(() => {
    if (isKnown && clock.idleSeconds() > config.spec.ttlSeconds && !isBusy?.()) void exit('expired');
    else if (config.unwatchedSeconds !== undefined && performance.now() - watched.at > config.unwatchedSeconds * 1000)
      void exit('unwatched');
  }, EXPIRY_CHECK_MS);

  if (config.callHomeUrls.length > 0) await callHome(config, new URL(address), logger);
  // Nobody can use what nobody knows of: a call home that takes its time is no time without an access.
  clock.touch();
  isKnown = true;
  // Node would write its compiled code at a normal end, and most workers are killed. Without NODE_COMPILE_CACHE this does nothing.
  flushCompileCache();
  tuneCollector();
}

/** A hint that saves time: the gateway also finds a worker by looking. */
async function callHome(config: WorkerConfig, address: URL, logger: Logger): Promise<void> {
  const { callHomeUrls, spec, host, uid, token } = config;
  const body = JSON.stringify({ name: spec.name, address: host, port: Number(address.port), ...(uid ? { uid } : {}) });
  for (let attempt = 0; attempt < CALL_HOME_TRIES; attempt++) {
    for (const url of callHomeUrls) {
      try {
        const status = await post(new URL('/call-home', url), token, body);
        if (status < 300) return;
        logger.warn({ status }, 'call-home refused');
      } catch (error) {
        logger.warn({ err: error }, 'call-home failed');
      }
    }
    await delay(200 * 2 ** attempt);
  }
}

/** Not `fetch`: its code is loaded at the first call, and a viewer waits for those 50 ms. */
function post(url: URL, token: string, body: string): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    authorization: `Bearer ${token}`,
  };
  const send = url.protocol === 'https:' ? https.request : http.request;
  return new Promise((resolve, reject) => {
    const request = send(url, { method: 'POST', headers, signal: AbortSignal.timeout(CALL_HOME_TIMEOUT_MS) }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.once('error', reject);
    request.end(body);
  });
}
