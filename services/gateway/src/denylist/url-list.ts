import { MAX_LIST_BYTES } from './denylist-text.ts';
import type { ListSource } from './list-source.ts';

/** From the question to the last byte, over a slow line too. */
const WITHIN_MS = 10_000;

/**
 * A list at an address of the operator's. He alone names it, so it may be inside his network; it is fetched as it is: no
 * redirect leads anywhere else, nothing is unpacked, and no more is read than a list may have.
 */
export function createUrlList(address: string, everyMs: number): ListSource {
  const url = new URL(address);
  const login = url.username === '' ? undefined : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  const headers = {
    'accept-encoding': 'identity',
    ...(login === undefined ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
  };
  return {
    name: 'url',
    everyMs,
    withinMs: WITHIN_MS,
    async read(tag, signal) {
      const response = await fetch(url, {
        headers: { ...headers, ...(tag ? { 'if-none-match': tag } : {}) },
        redirect: 'error',
        signal,
      });
      if (response.status === 200) return { text: await readBounded(response), tag: response.headers.get('etag') ?? '' };
      await response.body?.cancel();
      if (response.status === 304 && tag) return undefined;
      throw new Error(`it answered ${response.status}`);
    },
  };
}

async function readBounded(response: Response): Promise<string> {
  if (!/^(identity)?$/i.test(response.headers.get('content-encoding') ?? '')) {
    await response.body?.cancel();
    throw new Error('it is packed, though that was not asked for');
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the rest.
    if (size > MAX_LIST_BYTES) throw new Error(`it is larger than ${MAX_LIST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
