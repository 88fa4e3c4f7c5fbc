import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, runTool, SetupError, say } from './project.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { ensureNode, toolEnvironment } from './setup/node-toolchain.mjs';
import { ensureStartPrograms } from './setup/programs.mjs';
import { ensureWebApp } from './setup/web-app.mjs';
import { removeLeftovers } from './supervise/leftovers.mjs';
import { supervise } from './supervise/supervise.mjs';

/** The gateway's defaults (docs/operations.md). */
const HOST = process.env.LODESTREAM_HOST || '127.0.0.1';
const PORT = Number(process.env.LODESTREAM_PORT || 8080);
const READY_CHECK_MS = 100;
/** A gateway that is not ready by then says in its log why. */
const READY_TIMEOUT_MS = 60_000;

/** `npm start`: sets up what is missing, then keeps the gateway running until Ctrl-C. */
await runTool(async () => {
  const nodePath = await ensureNode();
  await ensureDependencies(nodePath);
  await ensureStartPrograms();
  await ensureWebApp(nodePath);
  await requireFreePort();
  let isFirst = true;
  const exitCode = await supervise({
    command: nodePath,
    args: [join('services', 'gateway', 'src', 'main.ts')],
    cwd: ROOT,
    env: toolEnvironment(nodePath),
    say,
    onStart: (signal) => {
      void sayWhenReady(signal, isFirst);
      isFirst = false;
    },
  });
  await removeLeftovers(process.env.LODESTREAM_DATA_DIR || join(ROOT, 'data'));
  return exitCode;
});

/** Most first starts that fail, fail here; the gateway's own message would be lost between restarts. */
function requireFreePort() {
  if (PORT === 0) return;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) =>
      reject(
        new SetupError(`cannot listen on ${HOST}:${PORT} (${error.code}). Choose another with LODESTREAM_PORT=8090 npm start`),
      ),
    );
    server.listen(PORT, HOST, () => server.close(() => resolve()));
  });
}

async function sayWhenReady(signal, isFirst) {
  if (PORT === 0) return;
  const host = HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${PORT}`;
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline && !signal.aborted) {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) }).catch(() => null);
    if (response?.ok)
      return say(isFirst ? `ready: open ${process.env.LODESTREAM_PUBLIC_URL || `${url}/`}` : 'the gateway is back');
    await sleep(READY_CHECK_MS, undefined, { signal }).catch(() => {});
  }
}
