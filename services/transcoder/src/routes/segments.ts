import { Readable } from 'node:stream';
import { ProblemError, requestSignal } from '@lodestream/service-kit';
import type { Rendition } from '@lodestream/shared';
import type { FastifyInstance } from 'fastify';
import type { Run } from '../run/run.ts';
import { RunBroken } from '../segments/segment-store.ts';

const CONTENT_TYPE: Record<Rendition['kind'], string> = { video: 'video/mp4', audio: 'audio/mp4' };

/**
 * `GET /init`, `GET /segments/:k`. Both wait as long as the caller does. A segment in the making is sent part by part as
 * each is accepted; a fault after the first byte destroys the socket, so that a short body never looks whole.
 */
export function segmentRoutes(app: FastifyInstance, run: Run, kind: Rendition['kind']): void {
  app.get('/init', async (_request, reply) => {
    const bytes = await waitFor(run.segments.init(requestSignal(reply)));
    return reply.header('content-type', CONTENT_TYPE[kind]).send(bytes);
  });

  app.get<{ Params: { k: string } }>('/segments/:k', async (request, reply) => {
    if (!/^\d{1,9}$/.test(request.params.k)) throw new ProblemError('segment-unknown');
    const segment = Number(request.params.k);
    if (run.segments.stateOf(segment) === 'unknown' || segment >= run.status().until) throw new ProblemError('segment-unknown');
    run.demand(segment);
    const signal = requestSignal(reply);
    await waitFor(run.segments.firstPart(segment, signal));
    if (run.segments.stateOf(segment) === 'unknown') throw new ProblemError('segment-unknown');
    reply.header('content-type', CONTENT_TYPE[kind]);
    if (run.segments.stateOf(segment) === 'complete')
      reply.header('x-lodestream-complete', '1').header('content-length', run.segments.lengthBytes(segment));
    return reply.send(Readable.from(parts(segment, signal), { objectMode: false }));
  });

  /** Bytes that move are access; a stream that stalls is none. */
  async function* parts(segment: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    for await (const part of run.segments.read(segment, signal)) {
      run.demand(segment);
      yield part;
    }
  }
}

/** A run that ended before it had what was asked for is a failed workload: the caller starts another. */
async function waitFor<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof RunBroken) throw new ProblemError('workload-failed', {}, { cause: error });
    throw error;
  }
}
