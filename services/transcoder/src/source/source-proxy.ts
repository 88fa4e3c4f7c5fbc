/**
 * The loopback door through which ffmpeg reads its source (architecture §2). ffmpeg sees one URL with a secret in its path,
 * never a redirect, a token or an end that is not the file's end.
 *
 * A response that cannot go on is left hanging, not ended: whoever owns ffmpeg is told by `onFault`, kills it, and only
 * then closes the proxy.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseRange } from './byte-range.ts';
import type { SourceReader } from './source-reader.ts';

export type SourceProxy = {
  url: string;
  /** Bytes handed to ffmpeg so far: progress, and a bound for probes. */
  bytesRead(): number;
  /** True when ffmpeg has taken all that came and waits for the source: its silence is then not its own. */
  isStarved(): boolean;
  /** Closes at once. ffmpeg must have been killed before. */
  close(): void;
};

/** Opens the proxy on a free loopback port. `onFault` is called once, when bytes cannot come any more. */
export async function openSourceProxy(
  source: SourceReader,
  lengthBytes: number,
  onFault: (reason: string) => void,
): Promise<SourceProxy> {
  const path = `/${randomBytes(16).toString('hex')}`;
  const closing = new AbortController();
  const drained = new Set<http.ServerResponse>();
  let bytesRead = 0;

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    if (request.url !== path || request.method !== 'GET') return void response.writeHead(404).end();
    const range = parseRange(request.headers.range, lengthBytes);
    if (range === null) return void response.writeHead(416, { 'content-range': `bytes */${lengthBytes}` }).end();
    const { start, end } = range ?? { start: 0, end: lengthBytes };
    response.writeHead(range ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      'content-length': end - start,
      ...(range ? { 'content-range': `bytes ${start}-${end - 1}/${lengthBytes}` } : {}),
    });
    response.flushHeaders();
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, closing.signal]);
    drained.add(response);
    try {
      for await (const chunk of source.read(start, end, signal)) {
        bytesRead += chunk.length;
        if (response.write(chunk)) continue;
        drained.delete(response);
        await once(response, 'drain', { signal });
        drained.add(response);
      }
      response.end();
    } catch (error) {
      if (!signal.aborted) onFault(error instanceof Error ? error.message : String(error));
    } finally {
      drained.delete(response);
    }
  }

  const server = http.createServer((request, response) => void answer(request, response));
  // ffmpeg may be stopped for minutes: no time limit of Node's may close its socket (hls.md §7).
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.keepAliveTimeout = 0;
  server.timeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}${path}`,
    bytesRead: () => bytesRead,
    isStarved: () => source.isWaiting() && drained.size > 0,
    close() {
      closing.abort(new Error('the proxy is closed'));
      server.close();
      server.closeAllConnections();
    },
  };
}
