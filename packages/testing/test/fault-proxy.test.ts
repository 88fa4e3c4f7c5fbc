import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { type Faults, startFaultProxy } from '../src/index.ts';

const CONTENT = randomBytes(1024 * 1024);

async function startOrigin() {
  const server = createServer((_request, response) => response.end(CONTENT)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function fetchThrough(faults: Faults, timeoutMs = 5000) {
  await using origin = await startOrigin();
  await using proxy = await startFaultProxy({ target: { address: '127.0.0.1', port: origin.port }, faults });
  const startedAt = performance.now();
  let received = 0;
  let failure: unknown;
  try {
    const response = await fetch(`http://127.0.0.1:${proxy.port}/`, {
      signal: AbortSignal.timeout(timeoutMs),
      headers: { connection: 'close' },
    });
    for await (const chunk of response.body ?? []) received += (chunk as Uint8Array).length;
  } catch (error) {
    failure = error;
  }
  return { received, failure, elapsedMs: performance.now() - startedAt };
}

test('without a fault every byte passes', async () => {
  const { received, failure } = await fetchThrough({});
  expect(failure).toBeUndefined();
  expect(received).toBe(CONTENT.length);
});

test('a delay is felt in both directions', async () => {
  const { received, elapsedMs } = await fetchThrough({ delayMs: 100 });
  expect(received).toBe(CONTENT.length);
  expect(elapsedMs).toBeGreaterThan(190);
});

test('a rate is kept', async () => {
  const { received, elapsedMs } = await fetchThrough({ downBytesPerSecond: CONTENT.length });
  expect(received).toBe(CONTENT.length);
  expect(elapsedMs).toBeGreaterThan(850);
});

test('a cut comes exactly after its bytes, as a reset', async () => {
  await using origin = await startOrigin();
  const faults = { cutAfterBytes: 100_000 };
  await using proxy = await startFaultProxy({ target: { address: '127.0.0.1', port: origin.port }, faults });
  const socket = connect(proxy.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  let received = 0;
  socket.on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  const [error] = (await once(socket, 'error', { signal: AbortSignal.timeout(5000) })) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
  expect(received).toBe(100_000);
});

test('silence ends only by the client’s own deadline', async () => {
  const { received, elapsedMs, failure } = await fetchThrough({ isSilent: true }, 500);
  expect((failure as Error).name).toBe('TimeoutError');
  expect(received).toBe(0);
  expect(elapsedMs).toBeGreaterThan(450);
});

test('silence can end, and what was held passes', async () => {
  await using origin = await startOrigin();
  await using proxy = await startFaultProxy({ target: { address: '127.0.0.1', port: origin.port }, faults: { isSilent: true } });
  const answer = fetch(`http://127.0.0.1:${proxy.port}/`, { signal: AbortSignal.timeout(5000) });
  setTimeout(() => proxy.set({}), 300);
  expect((await (await answer).arrayBuffer()).byteLength).toBe(CONTENT.length);
});

test('a refusing proxy resets new connections', async () => {
  const { failure, received } = await fetchThrough({ isRefusing: true });
  expect(failure).toBeDefined();
  expect(received).toBe(0);
});
