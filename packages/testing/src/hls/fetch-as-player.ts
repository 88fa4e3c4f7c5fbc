import { setTimeout as sleep } from 'node:timers/promises';

/** The server answers within 25 s or says 503; a segment in the making may take 60 s without a new part. */
const ANSWER_TIMEOUT_MS = 90_000;
/** Together with the server's own patience more than three minutes: a machine that does everything at once is slow. */
const MAX_TRIES = 8;

/** Fetches as a player does: a 503 is asked again after its `Retry-After`, everything else that is no success is an error. */
export async function fetchAsPlayer(url: string, signal?: AbortSignal): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    if (response.ok) return response;
    const body = await response.text();
    if (response.status !== 503 || attempt === MAX_TRIES) throw new Error(`${url} is ${response.status}: ${body.slice(0, 300)}`);
    await sleep(Number(response.headers.get('retry-after') ?? 1) * 1000, undefined, signal ? { signal } : {});
  }
}

/** The whole body of a segment, an init segment or a file. */
export async function fetchBytes(url: string, signal?: AbortSignal): Promise<Buffer> {
  return Buffer.from(await (await fetchAsPlayer(url, signal)).arrayBuffer());
}
