import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { z } from 'zod';
import { createLogger } from './logger.ts';
import { buildWorkerApp } from './worker-app.ts';

/** A rehearsal that fails costs only its gain: the job says what is wrong. */
const TIMEOUT_MS = 5000;

/**
 * Plays a worker's start through once, with nothing behind it: listens, is asked, answers, checks a body. What runs for the first
 * time is compiled first, which takes a worker 0.1 s of CPU while a viewer waits; one on standby has that behind it.
 */
export async function rehearse(): Promise<void> {
  const token = randomBytes(16).toString('hex');
  const app = buildWorkerApp(token, createLogger('rehearsal', 'silent'));
  const Body = z.object({ places: z.array(z.int()), isOne: z.boolean().optional() });
  app.get('/status', async () => ({ kind: 'rehearsal' }));
  app.put('/orders', async (request) => Body.parse(request.body));
  try {
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    await ask(`${url}/status`, { authorization: `Bearer ${token}` });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    await ask(`${url}/orders`, headers, JSON.stringify({ places: [1, 2, 3] }));
  } finally {
    await app.close();
  }
}

async function ask(url: string, headers: Record<string, string>, body?: string): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const request = http.request(url, { method: body === undefined ? 'GET' : 'PUT', headers, signal });
  request.end(body);
  const [response] = (await once(request, 'response', { signal })) as [http.IncomingMessage];
  response.resume();
  await once(response, 'end', { signal });
  if (response.statusCode !== 200) throw new Error(`the rehearsal was answered with ${response.statusCode}`);
}
