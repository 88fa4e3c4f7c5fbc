import { ProblemError, requestSignal } from '@lodestream/service-kit';
import { DownloaderStatus } from '@lodestream/shared';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { BASE_HEADERS, CONTENT_HEADERS, contentDisposition } from '../edge/response-headers.ts';
import { downloaderName } from '../workloads/workload-name.ts';
import type { Deps } from './deps.ts';
import { hold } from './hold.ts';
import { FileParams } from './parameters.ts';
import { openContent, pipeContent } from './pass-through.ts';

/** What a browser may open in place; everything else is offered as a file, whatever it claims to be (security.md H3). */
const INLINE_TYPE = /^(video|audio)\/|^image\/(png|jpeg|gif|webp|avif)$/;

export function contentRoutes(app: FastifyInstance, deps: Deps): void {
  const { torrents, limits, orchestrator, client } = deps;
  app.withTypeProvider<ZodTypeProvider>().route({
    method: ['GET', 'HEAD'],
    url: '/api/v1/torrents/:infoHash/files/:fileIndex/content',
    schema: {
      summary: 'The bytes of a file, by range',
      params: FileParams,
      querystring: z.object({ download: z.literal('1').optional() }),
    },
    handler: async (request, reply) => {
      const { infoHash, fileIndex } = request.params;
      const release = limits.openStream(request.ip, 'openMedia');
      reply.raw.once('close', release);
      const method = request.method === 'HEAD' ? 'HEAD' : 'GET';
      const gone = requestSignal(reply);
      const connect = async (headers: Record<string, string>, signal: AbortSignal) =>
        client.open(await orchestrator.whenReady(downloaderName(infoHash), signal), {
          method,
          path: `/files/${fileIndex}`,
          headers,
          signal: AbortSignal.any([gone, signal]),
        });
      const { upstream, file } = await hold(reply, deps, request.params, async (signal) => {
        await torrents.ready(infoHash, signal);
        torrents.checkFile(infoHash, fileIndex);
        const status = DownloaderStatus.optional().parse(await torrents.status(infoHash));
        const { range, 'if-range': ifRange } = request.headers;
        const asked = { ...(range ? { range } : {}), ...(typeof ifRange === 'string' ? { 'if-range': ifRange } : {}) };
        const upstream = await openContent(connect, asked, signal).catch((error) => {
          if (error instanceof ProblemError && error.code === 'range-not-satisfiable')
            reply.header('content-range', `bytes */${torrents.fileLengthBytes(infoHash, fileIndex)}`);
          throw error;
        });
        return { upstream, file: status?.files.find((found) => found.index === fileIndex) };
      });
      const type = upstream.headers['content-type'] ?? 'application/octet-stream';
      const isInline = INLINE_TYPE.test(type) && request.query.download === undefined;
      if (upstream.statusCode === undefined) throw new ProblemError('workload-failed');
      reply.hijack();
      reply.raw.writeHead(upstream.statusCode, {
        ...BASE_HEADERS,
        ...CONTENT_HEADERS,
        ...pick(upstream.headers),
        'content-type': isInline ? type : 'application/octet-stream',
        'cache-control': 'private, no-cache',
        ...(isInline ? {} : { 'content-disposition': contentDisposition(file?.path.split('/').at(-1) ?? `file-${fileIndex}`) }),
      });
      if (method === 'HEAD') {
        upstream.resume();
        reply.raw.end();
        return reply;
      }
      // A client that stalls for longer than the torrent is kept is not waited for: he asks anew, by range.
      await pipeContent(upstream, reply.raw, connect, AbortSignal.any([gone, torrents.lifetime(infoHash)]));
      return reply;
    },
  });
}

/** A worker's headers that go on to a client; the rest is nobody's business (security.md K4). */
function pick(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const names = ['content-length', 'content-range', 'accept-ranges', 'etag'];
  return Object.fromEntries(names.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])));
}
