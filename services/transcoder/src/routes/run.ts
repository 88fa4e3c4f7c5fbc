import { ProblemError } from '@lodestream/service-kit';
import { RunOrders } from '@lodestream/shared';
import type { FastifyInstance } from 'fastify';
import type { Run } from '../run/run.ts';

/** `GET /status`, `PUT /orders`: what the run is, and what the gateway wants of it. Neither is an access. */
export function runRoutes(app: FastifyInstance, run: Run): void {
  app.get('/status', async () => run.status());
  app.put('/orders', async (request) => {
    const orders = RunOrders.safeParse(request.body);
    if (!orders.success) throw new ProblemError('invalid-request', { detail: 'these are no orders' });
    return run.obey(orders.data);
  });
}
