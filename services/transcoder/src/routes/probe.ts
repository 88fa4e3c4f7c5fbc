import { ProblemError, requestSignal, withSignal } from '@lodestream/service-kit';
import type { FastifyInstance } from 'fastify';
import type { Probe } from '../probe/probe.ts';

/** `GET /status`, and `GET /media`, which waits for the bytes that the probe waits for. */
export function probeRoutes(app: FastifyInstance, probe: Probe): void {
  app.get('/status', async () => probe.status());
  app.get('/media', async (_request, reply) => {
    probe.touch();
    const result = await withSignal(probe.result, requestSignal(reply));
    if ('mediaInfo' in result) return result.mediaInfo;
    const { code, ...details } = result.problem;
    throw new ProblemError(code, details);
  });
}
