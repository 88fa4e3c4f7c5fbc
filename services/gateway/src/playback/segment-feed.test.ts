import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createSegmentFeed, type SegmentFeed } from './segment-feed.ts';

/** A run's HTTP side: a real server whose handler the test writes. */
async function serve(handler: (response: ServerResponse) => void) {
  const seen = { requests: 0, closed: 0 };
  const server = createServer((_request, response) => {
    seen.requests++;
    response.once('close', () => seen.closed++);
    handler(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const connect = (signal: AbortSignal) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get({ host: '127.0.0.1', port, signal, agent: false }, resolve).once('error', reject);
    });
  return { connect, seen };
}
const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

function feedOf(connect: (signal: AbortSignal) => Promise<IncomingMessage>) {
  const events = { completed: [] as Buffer[], ended: 0 };
  const ended = Promise.withResolvers<void>();
  const feed = createSegmentFeed(
    connect,
    (bytes) => events.completed.push(bytes),
    () => {
      events.ended++;
      ended.resolve();
    },
  );
  return { feed, events, ended: ended.promise };
}

async function readAll(feed: SegmentFeed, signal: AbortSignal = new AbortController().signal): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of feed.read(signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** One response that the test feeds by hand. */
async function serveByHand() {
  const response = Promise.withResolvers<ServerResponse>();
  const { connect, seen } = await serve((raw) => response.resolve(raw));
  return { connect, seen, response: response.promise };
}

describe('a segment feed', () => {
  it('fetches once for many viewers, and gives all of them the same bytes', async () => {
    const { connect, seen, response } = await serveByHand();
    const { feed, events } = feedOf(connect);
    const viewers = Array.from({ length: 50 }, () => {
      feed.join();
      return readAll(feed);
    });
    const raw = await response;
    for (const part of ['init ', 'part one ', 'part two']) raw.write(part);
    raw.end();
    expect(new Set(await Promise.all(viewers))).toEqual(new Set(['init part one part two']));
    expect(seen.requests).toBe(1);
    expect(events.completed.map(String)).toEqual(['init part one part two']);
    expect(events.ended).toBe(1);
    expect(feed.isComplete()).toBe(true);
    expect(feed.bytes().toString()).toBe('init part one part two');
  });

  it('hands the first part on before the second is made', async () => {
    const { connect, response } = await serveByHand();
    const { feed } = feedOf(connect);
    feed.join();
    (await response).write('one');
    await feed.started();
    expect(feed.isComplete()).toBe(false);
    const reader = feed.read(new AbortController().signal);
    expect(String((await reader.next()).value)).toBe('one');
    (await response).end('two');
    expect(String((await reader.next()).value)).toBe('two');
    expect((await reader.next()).done).toBe(true);
  });

  it('gives a late joiner everything from the first byte', async () => {
    const { connect, response } = await serveByHand();
    const { feed } = feedOf(connect);
    feed.join();
    (await response).write('early ');
    await feed.started();
    const first = readAll(feed);
    feed.join();
    const late = readAll(feed);
    (await response).end('late');
    expect(await Promise.all([first, late])).toEqual(['early late', 'early late']);
    expect(await readAll(feed)).toBe('early late');
  });

  it('says that a finished segment has started only when it is whole', async () => {
    const { connect, response } = await serveByHand();
    const { feed } = feedOf(connect);
    feed.join();
    const raw = await response;
    raw.setHeader('x-lodestream-complete', '1');
    raw.write('half');
    let hasStarted = false;
    const started = feed.started().then(() => {
      hasStarted = true;
    });
    raw.once('drain', () => {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasStarted).toBe(false);
    raw.end('whole');
    await started;
    expect(feed.isComplete()).toBe(true);
    expect(feed.bytes().toString()).toBe('halfwhole');
  });

  it('goes on while one viewer is left, and is aborted when the last one goes', async () => {
    const { connect, seen, response } = await serveByHand();
    const { feed, ended, events } = feedOf(connect);
    const leaveFirst = feed.join();
    const leaveSecond = feed.join();
    const raw = await response;
    raw.write('one');
    await feed.started();
    leaveFirst();
    leaveFirst();
    raw.write('two');
    const reader = feed.read(new AbortController().signal);
    expect(String((await reader.next()).value)).toBe('one');
    expect(String((await reader.next()).value)).toBe('two');
    expect(seen.closed).toBe(0);
    leaveSecond();
    await ended;
    if (seen.closed === 0) await once(raw, 'close');
    expect(seen.closed).toBe(1);
    expect(events.completed).toEqual([]);
  });

  it('is aborted before its first byte too', async () => {
    const { connect, response } = await serveByHand();
    const { feed, ended } = feedOf(connect);
    const leave = feed.join();
    const started = expect(feed.started()).rejects.toThrow();
    const raw = await response;
    const closed = once(raw, 'close');
    leave();
    await Promise.all([started, ended, closed]);
  });

  it('lets one viewer go without a word to the others', async () => {
    const { connect, response } = await serveByHand();
    const { feed } = feedOf(connect);
    const leave = feed.join();
    feed.join();
    const gone = new AbortController();
    const leaver = expect(readAll(feed, gone.signal)).rejects.toThrow('went away');
    const stayer = readAll(feed);
    (await response).write('one ');
    await feed.started();
    gone.abort(new Error('went away'));
    await leaver;
    leave();
    (await response).end('two');
    expect(await stayer).toBe('one two');
  });

  it.each([
    ['a chunked body that breaks off', (raw: ServerResponse) => raw.write('part')],
    ['fewer bytes than promised', (raw: ServerResponse) => raw.writeHead(200, { 'content-length': 100 }).write('part')],
  ])('throws for all after %s, and never ends cleanly', async (_name, begin) => {
    const { connect, response } = await serveByHand();
    const { feed, events, ended } = feedOf(connect);
    feed.join();
    const viewers = [readAll(feed), readAll(feed), readAll(feed)];
    const outcomes = Promise.allSettled(viewers);
    const raw = await response;
    begin(raw);
    await feed.started();
    raw.destroy();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await ended;
    await expect(readAll(feed)).rejects.toThrow();
    expect(events).toEqual({ completed: [], ended: 1 });
  });

  it('fails to start where a finished segment breaks off, so that it can be asked for anew', async () => {
    const { connect, response } = await serveByHand();
    const { feed } = feedOf(connect);
    feed.join();
    const started = expect(feed.started()).rejects.toThrow();
    const raw = await response;
    raw.writeHead(200, { 'x-lodestream-complete': '1', 'content-length': 10 }).write('part');
    setImmediate(() => raw.destroy());
    await started;
  });

  it('fails for all where the run cannot be asked', async () => {
    const { feed, events, ended } = feedOf(() => Promise.reject(new Error('no such run')));
    feed.join();
    await expect(feed.started()).rejects.toThrow('no such run');
    await ended;
    await expect(readAll(feed)).rejects.toThrow('no such run');
    expect(events.ended).toBe(1);
  });

  it('leaves no listener behind on the signal of a viewer', async () => {
    const { connect, response } = await serveByHand();
    const { feed } = feedOf(connect);
    feed.join();
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<AbortSignal['addEventListener']>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<AbortSignal['removeEventListener']>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    const reader = feed.read(signal);
    for (let n = 0; n < 20; n++) {
      const next = reader.next();
      (await response).write(`${n}`);
      await next;
    }
    expect(listeners).toBe(0);
  });
});
