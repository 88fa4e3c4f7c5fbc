import { createReadStream, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server does with a request besides answering it right; each can change while it runs. */
export type Trouble = {
  /** Cuts every body after so many bytes. */
  cutAfterBytes?: number;
  /** Answers with this status instead. */
  status?: number;
  /** Sends nothing of the file from this byte on, until it is changed. */
  missingFrom?: number;
  etag?: string;
};

export type RangeServer = AsyncDisposable & {
  url: string;
  port: number;
  trouble: Trouble;
  requests: { range: string; want: string; authorization: string }[];
  bytesSent(): number;
  /** Answers that are not over. */
  openResponses(): number;
  /** The server goes away, with all its connections. */
  stop(): Promise<void>;
  restart(): Promise<void>;
};

const TICK_MS = 20;

/** A downloader as a transcoder sees it: exact ranges of one file, over a real socket. */
export async function startRangeServer(file: string): Promise<RangeServer> {
  const lengthBytes = statSync(file).size;
  const requests: RangeServer['requests'] = [];
  const trouble: Trouble = {};
  let bytesSent = 0;
  let openResponses = 0;

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { range = '', authorization = '' } = request.headers;
    openResponses += 1;
    response.once('close', () => {
      openResponses -= 1;
    });
    requests.push({ range, want: String(request.headers['x-lodestream-want']), authorization });
    if (trouble.status) return void response.writeHead(trouble.status).end();
    const match = /^bytes=(\d+)-(\d*)$/.exec(range);
    if (!match) return void response.writeHead(400).end();
    const start = Number(match[1]);
    const end = match[2] ? Math.min(Number(match[2]) + 1, lengthBytes) : lengthBytes;
    response.writeHead(206, {
      'content-length': end - start,
      'content-range': `bytes ${start}-${end - 1}/${lengthBytes}`,
      etag: trouble.etag ?? '"one"',
    });
    response.flushHeaders();
    let at = start;
    while (at < end && !response.destroyed) {
      const limit = Math.min(end, trouble.missingFrom ?? end, start + (trouble.cutAfterBytes ?? end));
      if (at >= limit) {
        if (trouble.cutAfterBytes !== undefined && at - start >= trouble.cutAfterBytes) return void response.destroy();
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
        continue;
      }
      for await (const chunk of createReadStream(file, { start: at, end: limit - 1 })) {
        if (response.destroyed) return;
        at += chunk.length;
        bytesSent += chunk.length;
        if (!response.write(chunk))
          await new Promise<void>((resolve) => {
            const done = () => {
              response.off('drain', done);
              response.off('close', done);
              resolve();
            };
            response.once('drain', done);
            response.once('close', done);
          });
      }
    }
    response.end();
  }

  let port = 0;
  let server: http.Server;
  const listen = () =>
    new Promise<void>((resolve) => {
      server = http.createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
      server.listen(port, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen();
  return {
    get url() {
      return `http://127.0.0.1:${port}/files/0`;
    },
    get port() {
      return port;
    },
    trouble,
    requests,
    bytesSent: () => bytesSent,
    openResponses: () => openResponses,
    stop,
    restart: listen,
    [Symbol.asyncDispose]: stop,
  };
}
