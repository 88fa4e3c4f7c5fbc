import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { waitFor } from '@lodestream/testing';

const CLOSE_TIMEOUT_MS = 10_000;

/** Takes the headers of an answer and then nothing more: it is being sent as long as the server wants it to be. */
export async function readSlowly(url: string): Promise<IncomingMessage> {
  const request = get(url, { agent: false });
  const [body] = (await once(request, 'response')) as [IncomingMessage];
  body.on('error', () => {});
  await once(body, 'readable');
  return body;
}

/** What is on its way; `body.complete` then says whether it was all. */
export async function readRest(body: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  body.on('data', (chunk) => chunks.push(chunk));
  // Not by `once`: it fails at the error that tells of the break.
  await waitFor(() => body.closed, { what: 'the answer is over', timeoutMs: CLOSE_TIMEOUT_MS });
  return Buffer.concat(chunks);
}
