import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProbeSpec, RunOrders, RunSpec, RunStatus } from '@lodestream/shared';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const TOKEN = 'a-token-of-the-test-and-of-nothing-else';
const START_TIMEOUT_MS = 20_000;

export type TestWorker = AsyncDisposable & {
  child: ChildProcess;
  directory: string;
  get(path: string, signal?: AbortSignal): Promise<Response>;
  status(): Promise<RunStatus>;
  orders(orders: RunOrders): Promise<RunStatus>;
};

/** Starts a real transcoder as the gateway does, and waits for its call home. */
export async function startWorker(spec: RunSpec | ProbeSpec): Promise<TestWorker> {
  const directory = join(await mkdtemp(join(tmpdir(), 'lodestream-transcoder-')), 'work');
  const home = await startHome();
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, '--no-warnings', MAIN], {
    env: {
      PATH: process.env.PATH,
      LODESTREAM_TOKEN: TOKEN,
      LODESTREAM_SPEC: JSON.stringify(spec),
      LODESTREAM_WORK_DIR: directory,
      LODESTREAM_CALL_HOME_URL: home.url,
      LODESTREAM_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'inherit', process.env.TEST_LOG ? 'inherit' : 'ignore'],
  });
  const port = await home.port(child);
  const base = `http://127.0.0.1:${port}`;
  const headers = { authorization: `Bearer ${TOKEN}` };
  return {
    child,
    directory,
    get: (path, signal) => fetch(`${base}${path}`, { headers, ...(signal ? { signal } : {}) }),
    status: async () => (await fetch(`${base}/status`, { headers })).json() as Promise<RunStatus>,
    orders: async (orders) =>
      (
        await fetch(`${base}/orders`, {
          method: 'PUT',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(orders),
        })
      ).json() as Promise<RunStatus>,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await exited;
      }
      await rm(join(directory, '..'), { recursive: true, force: true });
    },
  };
}

async function startHome() {
  const called = Promise.withResolvers<number>();
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.end();
    called.resolve(JSON.parse(body).port);
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    port: (child: ChildProcess) => {
      const timer = setTimeout(() => called.reject(new Error('the worker did not call home')), START_TIMEOUT_MS);
      child.once('exit', (code) => called.reject(new Error(`the worker ended with ${code}`)));
      return called.promise.finally(() => {
        clearTimeout(timer);
        server.close();
      });
    },
  };
}
