import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { delay, ProblemError } from '@lodestream/service-kit';
import { readText, toProblemError } from '../workloads/worker-client.ts';

/** Asks the downloader. The signal aborts an attempt that is given up; of an answer that was taken it never does. */
export type Connect = (headers: Record<string, string>, signal: AbortSignal) => Promise<IncomingMessage>;

const RETRY_MS = 200;
/** A downloader that was killed is back within seconds; a stream that gets no byte for so long breaks. */
const RESUME_MS = 30_000;
/** Answers of a downloader that are for the client; others are problems. */
const PASSED = new Set([200, 206, 416]);

/** The first answer of the downloader, tried again while it restarts; the signal is the deadline. */
export async function openContent(
  connect: Connect,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  for (;;) {
    signal.throwIfAborted();
    // The deadline is for the headers; the body that follows may take hours.
    const attempt = new AbortController();
    const giveUp = () => attempt.abort(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      const response = await connect(headers, attempt.signal);
      if (response.statusCode === 416) {
        response.resume();
        throw new ProblemError('range-not-satisfiable');
      }
      if (PASSED.has(response.statusCode ?? 0)) return response;
      throw toProblemError(response.statusCode ?? 0, await readText(response));
    } catch (error) {
      if (signal.aborted || !(error instanceof ProblemError) || error.problem.status < 500) throw error;
      await delay(RETRY_MS, signal);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }
}

/**
 * Carries a body to the client at the client's pace. When the downloader breaks off, the rest is asked for by the range that
 * follows from the answer's own Content-Range and ETag; what can't be completed breaks the connection.
 */
export async function pipeContent(
  first: IncomingMessage,
  out: ServerResponse,
  connect: Connect,
  gone: AbortSignal,
  resumeMs: number = RESUME_MS,
): Promise<void> {
  let position = startOf(first);
  const end = position + Number(first.headers['content-length'] ?? Number.NaN);
  const etag = first.headers.etag ?? '';
  let source: IncomingMessage | undefined = first;
  let lastByteAt = performance.now();
  try {
    // Without a length nobody could tell a whole body from a short one.
    if (Number.isNaN(end)) throw new ProblemError('workload-failed');
    while (position < end) {
      source ??= await resume(connect, position, end, etag, AbortSignal.any([gone, AbortSignal.timeout(resumeMs)]));
      const startedAt = position;
      try {
        for await (const chunk of source) {
          position += chunk.length;
          lastByteAt = performance.now();
          if (position > end) throw new ProblemError('internal');
          if (!out.write(chunk)) await once(out, 'drain', { signal: gone });
        }
      } catch (error) {
        if (gone.aborted || error instanceof ProblemError) throw error;
      }
      source = undefined;
      if (position === startedAt && position < end) {
        if (performance.now() - lastByteAt > resumeMs) throw new ProblemError('workload-failed');
        await delay(RETRY_MS, gone);
      }
    }
    out.end();
  } catch {
    first.destroy();
    out.destroy();
  }
}

async function resume(
  connect: Connect,
  position: number,
  end: number,
  etag: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
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
