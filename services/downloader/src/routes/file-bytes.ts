import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type IdleClock, ProblemError, requestSignal, sendProblem } from '@lodestream/service-kit';
import { type ByteRange, buildProblem, formatContentRange, parseWant, planRange, WANT_HEADER } from '@lodestream/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readBytes } from '../reading/file-reader.ts';
import { type Downloader, findFile } from '../torrent/downloader.ts';
import { contentTypeOf } from './content-type.ts';

const Params = z.object({ fileIndex: z.coerce.number().int().nonnegative() });

/** `GET|HEAD /files/:fileIndex` (the bytes of a file, by range) and `POST /files/:fileIndex/prepare`. */
export function fileBytesRoutes(app: FastifyInstance, downloader: Downloader, clock: IdleClock): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/files/:fileIndex',
    exposeHeadRoute: false,
    handler: (request, reply) => sendFile(request, reply, downloader, clock),
  });

  app.post('/files/:fileIndex/prepare', async (request, reply) => {
    clock.touch();
    downloader.prepare(parseFileIndex(request));
    return reply.code(204).send();
  });
}

async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  downloader: Downloader,
  clock: IdleClock,
): Promise<FastifyReply> {
  clock.touch();
  const fileIndex = parseFileIndex(request);
  const signal = requestSignal(reply);
  const content = await downloader.waitForContent(signal);
  const file = findFile(content.metainfo, fileIndex);
  const etag = `"${content.metainfo.infoHash}-${fileIndex}"`;
  const { range, 'if-range': ifRange } = request.headers;
  // HEAD too: RFC 9110 §14.2 defines ranges for GET alone, but every web server says with HEAD what GET would say.
  const outcome = planRange({ range, ifRange: ifRange as string | undefined }, etag, file.lengthBytes);
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    etag,
    'content-type': contentTypeOf(file.path),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-transform',
  };
  if (outcome.kind === 'unsatisfiable')
    return sendProblem(
      reply.headers({ ...headers, 'content-range': `bytes */${file.lengthBytes}` }),
      buildProblem('range-not-satisfiable'),
    );

  const part: ByteRange = outcome.kind === 'part' ? outcome.range : { start: 0, end: file.lengthBytes };
  headers['content-length'] = String(part.end - part.start);
  if (outcome.kind === 'part') headers['content-range'] = formatContentRange(part, file.lengthBytes);
  const statusCode = outcome.kind === 'part' ? 206 : 200;
  const wantHeader = request.headers[WANT_HEADER];
  const want = parseWant(typeof wantHeader === 'string' ? wantHeader : undefined);
  const span = { start: file.offset + part.start, end: file.offset + part.end };
  const hasBody = request.method === 'GET' && span.end > span.start;
  const chunks = hasBody ? readBytes(content, span, want, signal) : null;
  // The first bytes come before the headers, so that what fails until then is still a problem document.
  const first = await chunks?.next();
  reply.hijack();
  reply.raw.writeHead(statusCode, headers);
  if (!chunks || !first || first.done) {
    reply.raw.end();
    return reply;
  }
  try {
    await writeChunk(reply.raw, first.value, clock, signal);
    for await (const chunk of chunks) await writeChunk(reply.raw, chunk, clock, signal);
    reply.raw.end();
  } catch (error) {
    if (!signal.aborted) request.log.warn({ err: error }, 'a read broke off');
    // Never a short answer that looks whole: the connection breaks.
    reply.raw.destroy();
  } finally {
    await chunks.return(undefined);
  }
  return reply;
}

/** Writes and waits until the client has taken it; bytes that move are access, a stalled client is not. */
async function writeChunk(raw: ServerResponse, chunk: Uint8Array, clock: IdleClock, signal: AbortSignal): Promise<void> {
  clock.touch();
  if (!raw.write(chunk)) await once(raw, 'drain', { signal });
}

function parseFileIndex(request: FastifyRequest): number {
  const params = Params.safeParse(request.params);
  if (!params.success) throw new ProblemError('file-unknown');
  return params.data.fileIndex;
}
