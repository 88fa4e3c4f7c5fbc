import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { delay, ProblemError } from '@lodestream/service-kit';
import { readText, toProblemError } from '../workloads/worker-client.ts';

export type Connect = (headers: Record<string, string>, signal: AbortSignal) => Promise<IncomingMessage>;

const RETRY_MS = 200;
/** A downloader that was killed is back within seconds; one that stays away this long breaks the stream. */
const RESUME_MS = 30_000;
/** Answers of a downloader that are for the client; others are problems. */
const PASSED = new Set([200, 206, 416]);

/** The first answer of the downloader, tried again while it restarts; the signal is the deadline. */
export async function openContent(connect: Connect, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const response = await connect(headers, signal);
      if (response.statusCode === 416) {
        response.resume();
        throw new ProblemError('range-not-satisfiable');
      }
      if (PASSED.has(response.statusCode ?? 0)) return response;
      throw toProblemError(response.statusCode ?? 0, await readText(response));
    } catch (error) {
      if (signal.aborted || !(error instanceof ProblemError) || error.problem.status < 500) throw error;
      await delay(RETRY_MS, signal);
    }
  }
}

/**
 * Carries a body to the client at the client's pace. When the downloader breaks off, the rest is asked for by the range that
 * follows from the answer's own Content-Range and ETag; what can't be completed breaks the connection.
 */
export async function pipeContent(first: IncomingMessage, out: ServerResponse, connect: Connect, gone: AbortSignal): Promise<void> {
  let position = startOf(first);
  const end = position + Number(first.headers['content-length'] ?? 0);
  const etag = first.headers.etag ?? '';
  let source: IncomingMessage | undefined = first;
  try {
    while (position < end) {
      source ??= await resume(connect, position, end, etag, gone);
      try {
        for await (const chunk of source) {
          position += chunk.length;
          if (position > end) throw new ProblemError('internal');
          if (!out.write(chunk)) await once(out, 'drain', { signal: gone });
        }
      } catch (error) {
        if (gone.aborted || error instanceof ProblemError) throw error;
      }
      source = undefined;
    }
    out.end();
  } catch {
    first.destroy();
    out.destroy();
  }
}

async function resume(connect: Connect, position: number, end: number, etag: string, gone: AbortSignal): Promise<IncomingMessage> {
  const signal = AbortSignal.any([gone, AbortSignal.timeout(RESUME_MS)]);
  const response = await openContent(connect, { range: `bytes=${position}-${end - 1}`, 'if-range': etag }, signal);
  if (response.statusCode !== 206 || startOf(response) !== position) {
    response.destroy();
    throw new ProblemError('workload-failed');
  }
  return response;
}

function startOf(response: IncomingMessage): number {
  return Number(/^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1] ?? 0);
}
