import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProblemError, requestSignal } from '@lodestream/service-kit';
import { buildProblem } from '@lodestream/shared';
import { afterEach, describe, expect, it } from 'vitest';
import { type Connect, openContent, pipeContent } from './pass-through.ts';

const FILE = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
const ETAG = '"film"';
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(handler: RequestListener): Promise<number> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

type Downloader = { requests: { range: string | undefined; ifRange: string | undefined }[]; connect: Connect };
type Cut = { afterBytes: number; how: 'destroy' | 'end' | 'none' };

/** A downloader that answers by range, and cuts its n-th answer as the test says. */
async function downloader(cuts: Cut[], whole = true): Promise<Downloader> {
  const requests: Downloader['requests'] = [];
  const port = await listen((request, response) => {
    const cut = cuts[requests.length] ?? { afterBytes: Number.POSITIVE_INFINITY, how: 'none' };
    const { range, 'if-range': ifRange } = request.headers;
    requests.push({ range, ifRange: typeof ifRange === 'string' ? ifRange : undefined });
    const [, first = '0', last = `${FILE.length - 1}`] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    const body = FILE.subarray(Number(first), Number(last || FILE.length - 1) + 1);
    response.writeHead(range ? 206 : 200, {
      etag: ETAG,
      ...(whole ? { 'content-length': body.length } : {}),
      ...(range ? { 'content-range': `bytes ${first}-${Number(first) + body.length - 1}/${FILE.length}` } : {}),
    });
    if (cut.afterBytes >= body.length) return void response.end(body);
    if (cut.afterBytes === 0) response.flushHeaders();
    response.write(body.subarray(0, cut.afterBytes), () => setImmediate(() => response.destroy()));
  });
  return { requests, connect: connectTo(port) };
}

function connectTo(port: number): Connect {
  return (headers, signal) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get({ host: '127.0.0.1', port, headers, signal, agent: false }, resolve).once('error', (cause) =>
        reject(signal.aborted ? signal.reason : new ProblemError('workload-failed', {}, { cause })),
      );
    });
}

/** The gateway's side: a real answer to a real client. */
async function passThrough(ask: Connect, headers: Record<string, string> = {}, resumeMs?: number) {
  const port = await listen(async (_request, response) => {
    const gone = requestSignal({ raw: response as never });
    const connect: Connect = (asked, signal) => ask(asked, AbortSignal.any([gone, signal]));
    try {
      const first = await openContent(connect, headers, AbortSignal.any([gone, AbortSignal.timeout(5000)]));
      const { 'content-length': length, 'content-range': range } = first.headers;
      response.writeHead(first.statusCode ?? 0, {
        ...(length ? { 'content-length': length } : {}),
        ...(range ? { 'content-range': range } : {}),
      });
      await pipeContent(first, response, connect, gone, resumeMs);
    } catch (error) {
      response.writeHead(error instanceof ProblemError ? error.problem.status : 500).end();
    }
  });
  return new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, resolve).once('error', reject);
  });
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a body that passes through', () => {
  it('is the body', async () => {
    const { connect, requests } = await downloader([]);
    const response = await passThrough(connect);
    expect((await bytesOf(response)).equals(FILE)).toBe(true);
    expect(requests).toHaveLength(1);
  });

  it('goes on where a downloader breaks off, again and again, and nobody notices', async () => {
    const { connect, requests } = await downloader([
      { afterBytes: 100_000, how: 'destroy' },
      { afterBytes: 1, how: 'destroy' },
      { afterBytes: 70_000, how: 'destroy' },
    ]);
    const response = await passThrough(connect);
    expect((await bytesOf(response)).equals(FILE)).toBe(true);
    expect(requests.slice(1)).toEqual([
      { range: 'bytes=100000-299999', ifRange: ETAG },
      { range: 'bytes=100001-299999', ifRange: ETAG },
      { range: 'bytes=170001-299999', ifRange: ETAG },
    ]);
  });

  it('goes on inside of the range that was asked for', async () => {
    const { connect, requests } = await downloader([{ afterBytes: 500, how: 'destroy' }]);
    const response = await passThrough(connect, { range: 'bytes=1000-1999' });
    expect(response.statusCode).toBe(206);
    expect((await bytesOf(response)).equals(FILE.subarray(1000, 2000))).toBe(true);
    expect(requests[1]).toEqual({ range: 'bytes=1500-1999', ifRange: ETAG });
  });

  it.each([
    ['has changed meanwhile', 200, { etag: '"other"', 'content-length': '5' }],
    ['answers another range', 206, { etag: ETAG, 'content-length': '5', 'content-range': `bytes 0-4/${FILE.length}` }],
  ])('breaks, and is never short, where the file %s', async (_name, status, headers) => {
    let requests = 0;
    const port = await listen((_request, response) => {
      if (requests++ > 0) return void response.writeHead(status, headers).end('hello');
      response.writeHead(200, { etag: ETAG, 'content-length': FILE.length });
      response.write(FILE.subarray(0, 1000), () => setImmediate(() => response.destroy()));
    });
    const response = await passThrough(connectTo(port));
    await expect(bytesOf(response)).rejects.toThrow();
    expect(response.complete).toBe(false);
  });

  it('breaks where more comes than was promised', async () => {
    const { connect } = await downloader([]);
    const lying: Connect = async (headers, signal) => {
      const response = await connect(headers, signal);
      response.headers['content-length'] = '1000';
      return response;
    };
    await expect(passThrough(lying).then(bytesOf)).rejects.toThrow();
  });

  it('breaks where no length was promised: nobody could tell whether it is whole', async () => {
    const { connect } = await downloader([], false);
    await expect(passThrough(connect).then(bytesOf)).rejects.toThrow();
  });

  it('gives up on a downloader that only ever breaks off, and does not hammer it', async () => {
    const { connect, requests } = await downloader(
      Array.from({ length: 10_000 }, () => ({ afterBytes: 0, how: 'destroy' as const })),
    );
    await expect(passThrough(connect, {}, 900).then(bytesOf)).rejects.toThrow();
    expect(requests.length).toBeLessThan(10);
    expect(requests.length).toBeGreaterThan(2);
  });

  it('lets go of the downloader when the client goes', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await listen((_request, response) => {
      response.once('close', () => closed.resolve());
      response.writeHead(200, { etag: ETAG, 'content-length': FILE.length });
      response.write(FILE.subarray(0, 1000));
    });
    const response = await passThrough(connectTo(port));
    await once(response, 'data');
    response.destroy();
    await closed.promise;
  });

  it('waits for a client that reads slowly instead of filling the memory', async () => {
    const total = 64 * 1024 * 1024;
    let sentBytes = 0;
    const port = await listen(async (_request, response) => {
      response.writeHead(200, { etag: ETAG, 'content-length': total });
      const block = Buffer.alloc(256 * 1024);
      while (sentBytes < total && !response.destroyed) {
        sentBytes += block.length;
        if (!response.write(block)) await once(response, 'drain').catch(() => {});
      }
    });
    const response = await passThrough(connectTo(port));
    response.pause();
    // The kernel's buffers fill; then nothing moves any more.
    for (let last = -1; last !== sentBytes; ) {
      last = sentBytes;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(sentBytes).toBeLessThan(total);
    response.destroy();
  });
});

describe('the first answer of a downloader', () => {
  it('is tried for until it restarts', async () => {
    const { connect } = await downloader([]);
    let attempts = 0;
    const flaky: Connect = (headers, signal) =>
      attempts++ < 2 ? Promise.reject(new ProblemError('workload-failed')) : connect(headers, signal);
    const response = await openContent(flaky, {}, AbortSignal.timeout(5000));
    expect(response.statusCode).toBe(200);
    response.destroy();
    expect(attempts).toBe(3);
  });

  it('is not tried again where the fault is the request', async () => {
    for (const [status, code] of [
      [416, 'range-not-satisfiable'],
      [404, 'file-unknown'],
    ] as const) {
      let requests = 0;
      const port = await listen((_request, response) => {
        requests++;
        response.writeHead(status).end(JSON.stringify(buildProblem(code)));
      });
      await expect(openContent(connectTo(port), {}, AbortSignal.timeout(5000))).rejects.toMatchObject({ code });
      expect(requests).toBe(1);
    }
  });

  it('is waited for no longer than the signal allows, also from a downloader that says nothing', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await listen((request) => {
      request.socket.once('close', () => closed.resolve());
    });
    await expect(openContent(connectTo(port), {}, AbortSignal.timeout(200))).rejects.toMatchObject({ name: 'TimeoutError' });
    await closed.promise;
  });

  it('outlives the deadline that it was waited for with', async () => {
    const { connect } = await downloader([]);
    const deadline = new AbortController();
    const response = await openContent(connect, {}, deadline.signal);
    deadline.abort();
    expect((await bytesOf(response)).equals(FILE)).toBe(true);
  });
});
