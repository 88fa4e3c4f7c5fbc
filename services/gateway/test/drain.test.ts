import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { apiPaths } from '@lodestream/shared';
import { waitFor } from '@lodestream/testing';
import { describe, expect, it } from 'vitest';
import { createDrain, type Drain } from '../src/drain.ts';
import { openTestApp, type TestApp } from './open-test-app.ts';

const HOLD_MS = 3000;
const HEARD_MS = 1000;
const TIMEOUT_MS = 10_000;

/** A gateway that listens, with a torrent that nobody has: whoever asks for its bytes is held. */
async function openGateway(drain: Drain): Promise<TestApp & { base: string; infoHash: string }> {
  const gateway = await openTestApp({ drain, holdMs: HOLD_MS });
  const base = await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const infoHash = randomBytes(20).toString('hex');
  const body = JSON.stringify({ infoHash });
  await fetch(base + apiPaths.torrents(), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return { ...gateway, base, infoHash };
}

/** Held by the gateway, not on its way to it. */
const isHeld = ({ deps, infoHash }: { deps: TestApp['deps']; infoHash: string }) =>
  waitFor(() => deps.guard.signal(infoHash as never) !== undefined, { what: 'a request is held', timeoutMs: TIMEOUT_MS });

describe('a gateway that goes', () => {
  it('says so at once, still serves until that was heard, and finishes what it has begun', async () => {
    const drain = createDrain(30, HEARD_MS);
    await using gateway = await openGateway(drain);
    const { base, infoHash } = gateway;
    const held = fetch(base + apiPaths.content(infoHash, 0));
    await isHeld(gateway);
    const events = await fetch(base + apiPaths.events(infoHash));
    const eventsEnded = events.text();

    let isDone = false;
    const done = drain.run(gateway.app.server).then(() => {
      isDone = true;
    });
    const unready = await fetch(`${base}/readyz`);
    expect([unready.status, (await unready.json()).code]).toEqual([503, 'draining']);
    expect((await fetch(`${base}/livez`)).status).toBe(200);
    const late = await fetch(base + apiPaths.torrent(infoHash));
    expect([late.status, late.headers.get('connection')]).toEqual([200, 'close']);

    // A clean end, which a browser answers with the next stream.
    expect((await eventsEnded).endsWith('\n\n')).toBe(true);
    await expect(fetch(base + apiPaths.torrent(infoHash))).rejects.toThrow();
    expect(isDone).toBe(false);
    const answer = await held;
    expect([answer.status, (await answer.json()).code]).toEqual([503, 'not-ready']);
    await done;
  });

  it('does not wait for connections that only stay open', async () => {
    const drain = createDrain(60, 0);
    await using gateway = await openGateway(drain);
    const { hostname, port } = new URL(gateway.base);
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${apiPaths.content(gateway.infoHash, 0)} HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
    await isHeld(gateway);
    const startedAt = performance.now();
    const [[answer]] = await Promise.all([once(socket, 'data'), drain.run(gateway.app.server)]);
    expect(String(answer)).toContain('HTTP/1.1 503');
    // The answer at the end of its hold, and then no more than a moment; the connection itself would stay a minute.
    expect(performance.now() - startedAt).toBeLessThan(HOLD_MS + TIMEOUT_MS);
    socket.destroy();
  });

  it('is gone when its time is over, and when it is told again', async () => {
    for (const [seconds, tellAgain] of [
      [0.5, false],
      [60, true],
    ] as const) {
      const drain = createDrain(seconds, 0);
      await using gateway = await openGateway(drain);
      const held = fetch(gateway.base + apiPaths.content(gateway.infoHash, 0)).catch(() => 'cut');
      await isHeld(gateway);
      const startedAt = performance.now();
      const done = drain.run(gateway.app.server);
      if (tellAgain) await drain.run(gateway.app.server);
      await done;
      expect(performance.now() - startedAt).toBeLessThan(HOLD_MS - 500);
      await gateway.app.close();
      expect(await held).toBe('cut');
    }
  });

  it('alone goes at once', async () => {
    const drain = createDrain(0);
    await using gateway = await openGateway(drain);
    const startedAt = performance.now();
    await drain.run(gateway.app.server);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
