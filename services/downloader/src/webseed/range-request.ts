import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { judgeRangeAnswer, type RangeAsked } from './range-answer.ts';

/** A server that says nothing for so long, in the middle of a body too. */
const SILENCE_MS = 10_000;
/** archive.org needs two. */
const REDIRECTS_MAX = 5;

export class RangeFailed extends Error {
  readonly retryAfterMs: number;
  /** The server says that it has no such file. */
  readonly isMissing: boolean;
  constructor(reason: string, retryAfterMs = 0, isMissing = false) {
    super(reason);
    this.retryAfterMs = retryAfterMs;
    this.isMissing = isMissing;
  }
}

/**
 * Fetches byte ranges of files over HTTP, by node's own client: every connection, also that of a redirect, goes through the
 * egress guard. Keeps its connections between requests.
 */
export function createRangeClient(connectionsMax: number) {
  const agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: connectionsMax }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: connectionsMax }),
  };

  /**
   * The bytes that were asked for, as they come.
   * @throws RangeFailed when it is anything else: another answer, a body that is too short or too long, silence.
   */
  async function* fetchRange(url: string, asked: RangeAsked, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const response = await openRange(url, asked, signal);
    let missingBytes = asked.end - asked.start;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        missingBytes -= chunk.length;
        if (missingBytes < 0) throw new RangeFailed('a longer body than it said');
        yield chunk;
      }
    } finally {
      if (!response.complete) response.destroy();
    }
    if (missingBytes > 0) throw new RangeFailed('a shorter body than it said');
  }

  async function openRange(url: string, asked: RangeAsked, signal: AbortSignal): Promise<IncomingMessage> {
    let at = url;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const response = await send(at, asked, signal);
      const answer = judgeRangeAnswer(response.statusCode ?? 0, response.headers, asked);
      if (answer.kind === 'body') return response;
      // What else it says is of no interest, and may have no end.
      response.destroy();
      if (answer.kind === 'failed')
        throw new RangeFailed(answer.reason, answer.retryAfterMs, response.statusCode === 404 || response.statusCode === 410);
      at = followRedirect(answer.location, at);
    }
    throw new RangeFailed('too many redirects');
  }

  function send(url: string, { start, end }: RangeAsked, signal: AbortSignal): Promise<IncomingMessage> {
    const { protocol } = new URL(url);
    const request = protocol === 'https:' ? requestHttps : requestHttp;
    const headers = { range: `bytes=${start}-${end - 1}`, 'accept-encoding': 'identity' };
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const sent = request(url, { agent: agents[protocol as keyof typeof agents], headers, timeout: SILENCE_MS });
      // Given to the request, the signal would stay with the connection, and end it while it waits for another request.
      // Without an error of ours: the connection may be free already, and nobody listens to it then.
      const abort = () => sent.destroy();
      signal.addEventListener('abort', abort, { once: true });
      sent.once('close', () => signal.removeEventListener('abort', abort));
      sent.once('response', (response) => {
        // Who reads it hears of its errors; one that nobody reads any more has none.
        response.on('error', () => {});
        resolve(response);
      });
      sent.on('error', reject);
      sent.on('timeout', () => sent.destroy(new RangeFailed('silence')));
      sent.end();
    });
  }

  function close(): void {
    for (const agent of Object.values(agents)) agent.destroy();
  }

  return { fetchRange, close };
}

function followRedirect(location: string, from: string): string {
  const url = URL.canParse(location, from) ? new URL(location, from) : null;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '')
    throw new RangeFailed('a redirect to nowhere');
  return url.href;
}
