import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { DownloaderSpec, InfoHash } from '@lodestream/shared';
import { expect, it } from 'vitest';

const WORKER = fileURLToPath(new URL('idle-worker.ts', import.meta.url));
const TTL_SECONDS = 0.5;
/** Past the TTL and the look for it, and less than a call home may take. */
const ANSWER_AFTER_MS = 1500;
const TIMEOUT_MS = 30_000;

const infoHash = InfoHash.parse('a'.repeat(40));
const spec = DownloaderSpec.parse({
  kind: 'downloader',
  name: `dl-${infoHash}`,
  ttlSeconds: TTL_SECONDS,
  infoHash,
  source: { infoHash, displayName: 'nobody has it', trackers: [], peers: [] },
  diskBudgetBytes: 10_000_000,
  network: { dht: false, dhtBootstrap: [], trackers: [], allowedPrivateNetworks: [], uploadBytesPerSecond: 0 },
});

it('does not expire before the gateway has heard of it, however long that takes', { timeout: TIMEOUT_MS }, async () => {
  const answered = Promise.withResolvers<number>();
  const home = http.createServer((_request, response) => {
    setTimeout(() => {
      answered.resolve(performance.now());
      response.end();
    }, ANSWER_AFTER_MS);
  });
  home.listen(0, '127.0.0.1');
  await once(home, 'listening');
  const worker = spawn(process.execPath, ['--no-warnings', WORKER], {
    env: {
      LODESTREAM_TOKEN: 'x'.repeat(32),
      LODESTREAM_SPEC: JSON.stringify(spec),
      LODESTREAM_WORK_DIR: '/nowhere',
      LODESTREAM_CALL_HOME_URL: `http://127.0.0.1:${(home.address() as AddressInfo).port}`,
      LODESTREAM_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = once(worker, 'exit', { signal: AbortSignal.timeout(TIMEOUT_MS) });
  try {
    const [answeredAt, [code, endedAt]] = await Promise.all([
      answered.promise,
      ended.then(([exit]) => [exit, performance.now()] as const),
    ]);
    expect(code).toBe(0);
    expect(endedAt - answeredAt).toBeGreaterThanOrEqual(TTL_SECONDS * 1000);
  } finally {
    worker.kill('SIGKILL');
    home.close();
  }
});
