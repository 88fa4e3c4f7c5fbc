import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { rehearse } from '@lodestream/service-kit/rehearsal';
import { runFfprobe } from './probe/ffprobe.ts';
import { openSourceProxy } from './source/source-proxy.ts';
import { openSource } from './source/source-reader.ts';

const LENGTH_BYTES = 64 * 1024;
const TIMEOUT_MS = 5000;

/** Before a job is there: the way of its bytes from a downloader to a program, played through once with bytes that are no film. */
export async function rehearseTranscoder(): Promise<void> {
  await rehearse();
  const server = http.createServer((request, response) => {
    const [, start = '0'] = /^bytes=(\d+)-/.exec(request.headers.range ?? '') ?? [];
    const body = Buffer.alloc(LENGTH_BYTES - Number(start));
    response.writeHead(206, {
      'content-length': body.length,
      'content-range': `bytes ${start}-${LENGTH_BYTES - 1}/${LENGTH_BYTES}`,
      etag: '"rehearsal"',
    });
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const source = openSource({ url: `http://127.0.0.1:${port}/`, token: '' }, LENGTH_BYTES, { urgency: 'ahead', seconds: 0 });
  const proxy = await openSourceProxy(source, LENGTH_BYTES, () => {});
  try {
    const watch = { bytesRead: proxy.bytesRead, isStarved: () => false, maxBytes: LENGTH_BYTES };
    await runFfprobe(['-v', 'quiet', '-of', 'json', proxy.url], watch, AbortSignal.timeout(TIMEOUT_MS));
  } finally {
    proxy.close();
    source.close();
    server.close();
    server.closeAllConnections();
  }
}
