import { once } from 'node:events';
import { ProblemError, requestSignal } from '@lodestream/service-kit';
import { formatContentRange, planRange } from '@lodestream/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { BASE_HEADERS } from '../edge/response-headers.ts';
import type { CachedSegment } from '../playback/segment-cache.ts';
import type { SegmentFeed } from '../playback/segment-feed.ts';
import type { SegmentAddress } from '../playback/segment-service.ts';
import type { Deps } from './deps.ts';
import { hold } from './hold.ts';
import { RenditionParams, SegmentIndexParameter } from './parameters.ts';

/** A stream that gets no new part for so long is broken off; there is no limit on the whole (architecture §7). */
const NO_PART_MS = 60_000;

export function segmentRoutes(app: FastifyInstance, deps: Deps): void {
  const { segments, limits } = deps;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/api/v1/torrents/:infoHash/files/:fileIndex/hls/:rendition/init.mp4',
    { schema: { summary: 'Init segment', params: RenditionParams } },
    (request, reply) => serve(request, reply, { ...request.params, renditionId: request.params.rendition, segmentIndex: 'init' }),
  );

  routes.get(
    '/api/v1/torrents/:infoHash/files/:fileIndex/hls/:rendition/:segment.m4s',
    {
      schema: {
        summary: 'Media segment; streamed while it is made',
        params: RenditionParams.extend({ segment: SegmentIndexParameter }),
      },
    },
    (request, reply) =>
      serve(request, reply, { ...request.params, renditionId: request.params.rendition, segmentIndex: request.params.segment }),
  );

  async function serve(request: FastifyRequest, reply: FastifyReply, address: SegmentAddress): Promise<FastifyReply> {
    deps.orchestrator.expect();
    const release = limits.openStream(request.ip, 'openMedia');
    reply.raw.once('close', release);
    const askedAtMs = performance.now();
    const opened = await hold(reply, deps, address, (signal) => segments.open(address, signal));
    const kind = address.renditionId.startsWith('a') ? 'audio' : 'video';
    const contentType = `${kind}/mp4`;
    if (address.segmentIndex !== 'init') deps.metrics.observeFirstByte((performance.now() - askedAtMs) / 1000, kind);
    if (opened.do === 'whole') return sendWhole(request, reply, opened.segment, contentType);
    try {
      await streamFeed(reply, opened.feed, contentType);
    } finally {
      opened.leave();
    }
    return reply;
  }
}

/** Finished segments never change: any cache may keep them. */
function sendWhole(request: FastifyRequest, reply: FastifyReply, segment: CachedSegment, contentType: string): FastifyReply {
  reply
    .header('content-type', contentType)
    .header('etag', segment.etag)
    .header('cache-control', 'private, max-age=31536000, immutable')
    .header('accept-ranges', 'bytes');
  if (request.headers['if-none-match'] === segment.etag) return reply.code(304).send();
  const { range, 'if-range': ifRange } = request.headers;
  const plan = planRange(
    { range, ifRange: typeof ifRange === 'string' ? ifRange : undefined },
    segment.etag,
    segment.bytes.length,
  );
  switch (plan.kind) {
    case 'whole':
      return reply.send(segment.bytes);
    case 'part':
      reply.code(206).header('content-range', formatContentRange(plan.range, segment.bytes.length));
      return reply.send(segment.bytes.subarray(plan.range.start, plan.range.end));
    case 'unsatisfiable':
      reply.header('content-range', `bytes */${segment.bytes.length}`);
      throw new ProblemError('range-not-satisfiable');
    default:
      return plan satisfies never;
  }
}

/** Part by part; a fault after the first byte destroys the socket: never a clean end of a short body. */
async function streamFeed(reply: FastifyReply, feed: SegmentFeed, contentType: string): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  const gone = requestSignal(reply);
  let lastPartAt = performance.now();
  const stalled = new AbortController();
  const watch = setInterval(() => {
    if (performance.now() - lastPartAt > NO_PART_MS) stalled.abort(new Error('no part for too long'));
  }, 1000);
  raw.writeHead(200, { ...BASE_HEADERS, 'content-type': contentType, 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  try {
    const signal = AbortSignal.any([gone, stalled.signal]);
    for await (const chunk of feed.read(signal)) {
      lastPartAt = performance.now();
      if (!raw.write(chunk)) await once(raw, 'drain', { signal });
    }
    raw.end();
  } catch {
    raw.destroy();
  } finally {
    clearInterval(watch);
  }
}
