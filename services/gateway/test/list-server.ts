import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An operator's own server with a list on it, on loopback. */
export type ListServer = AsyncDisposable & {
  readonly url: string;
  /** What was asked, oldest first. */
  readonly requests: { authorization: string | undefined; tag: string | undefined; status: number }[];
  answer: Answer;
};

export async function startListServer(answer: Answer): Promise<ListServer> {
  const server = createServer((request, response) => {
    const { authorization, 'if-none-match': tag } = request.headers;
    response.once('close', () => list.requests.push({ authorization, tag, status: response.statusCode }));
    list.answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const list: ListServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/list.txt`,
    requests: [],
    answer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
  return list;
}

/** Serves the text with its ETag, as every static server does. */
export function staticList(text: string): Answer {
  const etag = `"${Buffer.from(text).toString('base64url').slice(0, 40)}${text.length}"`;
  return (request, response) => {
    if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
    else response.writeHead(200, { etag, 'content-type': 'text/plain' }).end(text);
  };
}
