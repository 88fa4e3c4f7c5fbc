/**
 * Reads byte ranges of one file of a downloader, and outlives it: a broken or refused connection is resumed at the next
 * byte, for as long as the reader is wanted.
 *
 * 1. A byte yielded is the byte of the file at that place; every answer's range, length and ETag are checked.
 * 2. Nothing is read that was not asked for: the generator pulls, and small socket buffers are all that runs ahead.
 * 3. What cannot be mended (another file behind the same address) is a `SourceFault`, once and for ever.
 */
import http from 'node:http';
import { delay, withSignal } from '@lodestream/service-kit/abort';
import type { SourceAddress } from '@lodestream/shared';
import { formatWant, WANT_HEADER, type Want } from '@lodestream/shared/want';
import { parseContentRange } from './byte-range.ts';

const BACKOFF_FIRST_MS = 50;
/** A restarted downloader is found at most this much late. */
const BACKOFF_LAST_MS = 1000;
/** A long stream is asked for again when the film has moved on so far, so that the downloader's order stays true. */
const WANT_STALE_SECONDS = 10;
const TCP_KEEPALIVE_MS = 10_000;

export class SourceFault extends Error {
  override readonly name = 'SourceFault';
}

export type SourceReader = {
  /** Bytes [start, end). Rejects with the signal's reason, or with a `SourceFault`. */
  read(start: number, end: number, signal: AbortSignal): AsyncGenerator<Buffer>;
  /** The downloader moved: waiting reads go to the new address at once. */
  moveTo(address: SourceAddress): void;
  /**
   * Who waits for the reads has changed: reads that still wait for a first byte are asked again in that name. `null`: nobody
   * does; the connections are given up, and with them what the downloader would fetch ahead, until somebody wants the bytes.
   */
  setWant(want: Want | null): void;
  /** True while a read waits for bytes that are not here yet. */
  isWaiting(): boolean;
  close(): void;
};

type Attempt = { want: Want; isWaiting: boolean; controller: AbortController };
const REOPEN = new Error('asked again');

export function openSource(first: SourceAddress, lengthBytes: number, firstWant: Want): SourceReader {
  const agent = new http.Agent({ keepAlive: true, keepAliveMsecs: TCP_KEEPALIVE_MS });
  const attempts = new Set<Attempt>();
  let address = first;
  let want: Want | null = firstWant;
  let wanted = Promise.withResolvers<void>();
  let etag: string | undefined;

  function isStale(attempt: Attempt): boolean {
    if (want === null) return true;
    return attempt.want.urgency !== want.urgency || Math.abs(attempt.want.seconds - want.seconds) >= WANT_STALE_SECONDS;
  }

  async function* read(start: number, end: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    let at = start;
    let backoffMs = BACKOFF_FIRST_MS;
    while (at < end) {
      signal.throwIfAborted();
      if (want === null) {
        await withSignal(wanted.promise, signal);
        continue;
      }
      const controller = new AbortController();
      const attempt: Attempt = { want, isWaiting: true, controller };
      attempts.add(attempt);
      let isReopened = false;
      try {
        const response = await ask(at, end, attempt, AbortSignal.any([signal, controller.signal]));
        for await (const chunk of response as AsyncIterable<Buffer>) {
          if (at + chunk.length > end) throw new SourceFault('the source sent more than was asked for');
          at += chunk.length;
          backoffMs = BACKOFF_FIRST_MS;
          attempt.isWaiting = false;
          yield chunk;
          if (at < end && isStale(attempt)) throw REOPEN;
          attempt.isWaiting = true;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SourceFault) throw error;
        isReopened = error === REOPEN || controller.signal.aborted;
      } finally {
        attempts.delete(attempt);
        controller.abort(REOPEN);
      }
      if (at >= end || isReopened) continue;
      const waiting: Attempt = { want: attempt.want, isWaiting: true, controller: new AbortController() };
      attempts.add(waiting);
      // A new address also ends the pause.
      await delay(backoffMs, AbortSignal.any([signal, waiting.controller.signal])).catch(() => {});
      attempts.delete(waiting);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_LAST_MS);
    }
  }

  /** One request. Resolves with a 206 that begins at `at`; rejects when it should be tried again. */
  function ask(at: number, end: number, attempt: Attempt, signal: AbortSignal): Promise<http.IncomingMessage> {
    const headers = {
      authorization: `Bearer ${address.token}`,
      range: `bytes=${at}-${end - 1}`,
      [WANT_HEADER]: formatWant(attempt.want),
    };
    return new Promise((resolve, reject) => {
      // Not http's own `signal`: it stays with the pooled socket, and would end whatever is read over it later.
      // And without an error, for which a socket that is just being given back has no listener.
      const onAbort = () => {
        reject(signal.reason);
        request.destroy();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const request = http.get(address.url, { agent, headers }, (response) => {
        response.once('close', () => signal.removeEventListener('abort', onAbort));
        // An abort while nobody pulls would otherwise be an exception that nobody catches.
        response.on('error', () => {});
        try {
          checkAnswer(response, at, end);
          resolve(response);
        } catch (error) {
          response.resume();
          request.destroy();
          reject(error);
        }
      });
      request.on('error', (error) => {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      });
    });
  }

  function checkAnswer(response: http.IncomingMessage, at: number, end: number): void {
    // A downloader that starts, drains or does not know us yet says so with another status: it is asked again.
    if (response.statusCode === 416) throw new SourceFault('the source is shorter than promised');
    if (response.statusCode !== 206) throw new Error(`the source answered ${response.statusCode}`);
    const range = parseContentRange(response.headers['content-range']);
    if (!range || range.start !== at || range.end !== end || range.lengthBytes !== lengthBytes)
      throw new SourceFault('the source answered with another range');
    const given = response.headers.etag;
    if (etag !== undefined && given !== etag) throw new SourceFault('the source has become another file');
    etag = given;
  }

  return {
    read,
    moveTo(next) {
      const isNew = next.url !== address.url || next.token !== address.token;
      address = next;
      if (isNew) for (const attempt of attempts) if (attempt.isWaiting) attempt.controller.abort(REOPEN);
    },
    setWant(next) {
      if (want === null && next !== null) {
        wanted.resolve();
        wanted = Promise.withResolvers();
      }
      want = next;
      for (const attempt of attempts)
        if (next === null || (attempt.isWaiting && isStale(attempt))) attempt.controller.abort(REOPEN);
    },
    isWaiting: () => [...attempts].some((attempt) => attempt.isWaiting),
    close: () => agent.destroy(),
  };
}
