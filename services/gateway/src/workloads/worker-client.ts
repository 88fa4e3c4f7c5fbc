import { Agent, type IncomingMessage, request } from 'node:http';
import { ProblemError } from '@lodestream/service-kit';
import { Problem, type ProblemCode } from '@lodestream/shared';
import type { z } from 'zod';
import type { ReadyWorkload } from './workload.ts';

/** A worker is an untrusted upstream: its JSON is small and checked, its redirects are not followed (security.md K4). */
const MAX_JSON_BYTES = 8 * 1024 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;

export type WorkerRequest = {
  method?: 'GET' | 'HEAD' | 'PUT' | 'POST';
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  signal: AbortSignal;
};

/** HTTP to workers, each with its own token; a signal on every request. */
export type WorkerClient = {
  /** The answer's JSON, checked; a problem document becomes a `ProblemError`, anything else `workload-failed`. */
  json<T>(workload: ReadyWorkload, ask: WorkerRequest, schema: z.ZodType<T>): Promise<T>;
  /** The raw answer once its headers are here. Whoever asks must read or destroy it. */
  open(workload: ReadyWorkload, ask: WorkerRequest): Promise<IncomingMessage>;
};

export function createWorkerClient(tokenOf: (name: string) => string): WorkerClient & Disposable {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 4, scheduling: 'lifo' });
  const open = (workload: ReadyWorkload, ask: WorkerRequest) => {
    const body = ask.body === undefined ? undefined : JSON.stringify(ask.body);
    return new Promise<IncomingMessage>((resolve, reject) => {
      const { signal } = ask;
      if (signal.aborted) return reject(signal.reason);
      // Not http's own `signal`: it stays with the pooled socket, and would end whatever is read over it later.
      const onAbort = () => {
        reject(signal.reason);
        outgoing.destroy();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const release = () => signal.removeEventListener('abort', onAbort);
      const outgoing = request({
        agent,
        host: workload.address.host,
        port: workload.address.port,
        method: ask.method ?? 'GET',
        path: ask.path,
        maxHeaderSize: MAX_HEADER_BYTES,
        headers: {
          ...ask.headers,
          authorization: `Bearer ${tokenOf(workload.name)}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
      });
      outgoing.once('response', (response) => {
        // Whoever reads it sees the error; one that is read no more has nobody to tell.
        response.on('error', () => {});
        response.once('close', release);
        resolve(response);
      });
      outgoing.on('error', (error) => {
        release();
        reject(new ProblemError('workload-failed', {}, { cause: error }));
      });
      outgoing.end(body);
    });
  };
  return {
    open,
    async json(workload, ask, schema) {
      const response = await open(workload, ask);
      const text = await readText(response);
      if (response.statusCode !== undefined && response.statusCode >= 400) throw toProblemError(response.statusCode, text);
      return readJson(text, schema);
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function readJson<T>(text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ProblemError('workload-failed', {}, { cause });
  }
}

/** Reads a small body whole. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > MAX_JSON_BYTES) throw new ProblemError('workload-failed', {}, { cause: new Error('oversized worker answer') });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What a worker says went wrong, as ours: its problem document if it is one, else `workload-failed`. */
export function toProblemError(status: number, text: string): ProblemError {
  try {
    const { code, detail, stage, reason, retryAfterSeconds } = Problem.parse(JSON.parse(text));
    const details = Object.fromEntries(
      Object.entries({ detail, stage, reason, retryAfterSeconds }).filter(([, value]) => value !== undefined),
    );
    return new ProblemError(code satisfies ProblemCode, details);
  } catch {
    return new ProblemError('workload-failed', {}, { cause: new Error(`a worker answered ${status}`) });
  }
}
