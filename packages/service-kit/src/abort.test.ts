import { once } from 'node:events';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { delay, requestSignal, withSignal } from './abort.ts';

/** A real request whose answer the test holds in its hand. */
async function answer(use: (raw: ServerResponse, leave: () => void) => Promise<void>): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const client = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false });
    client.on('error', () => {}).on('response', (response) => response.on('error', () => {}).resume());
    const [, raw] = (await once(server, 'request')) as [unknown, ServerResponse];
    await use(raw, () => client.destroy());
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
const reply = (raw: ServerResponse) => ({ raw: raw as never });

describe('requestSignal', () => {
  it('aborts when the client goes', () =>
    answer(async (raw, leave) => {
      const signal = requestSignal(reply(raw));
      expect(signal.aborted).toBe(false);
      const aborted = once(signal, 'abort');
      leave();
      await aborted;
      expect(String(signal.reason)).toContain('the client went away');
    }));

  it('is aborted from the start where the client has gone before', () =>
    answer(async (raw, leave) => {
      const closed = once(raw, 'close');
      leave();
      await closed;
      expect(requestSignal(reply(raw)).aborted).toBe(true);
    }));

  it('does not abort for an answer that was given whole', () =>
    answer(async (raw) => {
      const signal = requestSignal(reply(raw));
      raw.end('done');
      await once(raw, 'close');
      expect(signal.aborted).toBe(false);
      expect(requestSignal(reply(raw)).aborted).toBe(false);
    }));
});

describe('delay', () => {
  it('ends early with the reason of its signal, also one that was aborted before', async () => {
    const controller = new AbortController();
    const waiting = delay(60_000, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(delay(60_000, controller.signal)).rejects.toThrow('enough');
  });

  it('ends by itself', async () => {
    await expect(delay(1)).resolves.toBeUndefined();
  });
});

describe('withSignal', () => {
  it('gives the value or the error of the promise', async () => {
    const { signal } = new AbortController();
    await expect(withSignal(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(withSignal(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });

  it('gives up with the signal, and swallows what comes too late', async () => {
    const late = Promise.withResolvers<void>();
    const controller = new AbortController();
    const waiting = withSignal(late.promise, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(withSignal(late.promise, controller.signal)).rejects.toThrow('enough');
    late.reject(new Error('too late'));
    await expect(late.promise).rejects.toThrow('too late');
  });
});
