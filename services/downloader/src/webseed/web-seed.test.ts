import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createLogger } from '@lodestream/service-kit';
import type { Metainfo } from '@lodestream/shared';
import { afterEach, expect, it } from 'vitest';
import { createWebSeed, type WebSeed } from './web-seed.ts';

const PIECE = 64 * 1024;
const BLOCK = 16 * 1024;
/** Two files of 100,000 bytes with 1,000 of padding between them, over pieces that none of them fits. */
const LENGTHS = [100_000, 1000, 100_000];
const CONTENT = Buffer.from(Array.from({ length: 201_000 }, (_, at) => (at >= 100_000 && at < 101_000 ? 0 : (at * 7919) % 251)));
const PADDING = 1;

const metainfo = {
  pieceLength: PIECE,
  lengthBytes: CONTENT.length,
  isSingleFile: false,
  files: LENGTHS.map((lengthBytes, index) => ({
    index,
    lengthBytes,
    offset: LENGTHS.slice(0, index).reduce((sum, each) => sum + each, 0),
    isPadding: index === PADDING,
    rawPath: ['Pack', `${index}.bin`],
  })),
} as unknown as Metainfo;

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

async function startSeed(listener: RequestListener): Promise<{ seed: WebSeed; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers.range}`);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const seed = createWebSeed(
    `http://127.0.0.1:${(server.address() as { port: number }).port}/`,
    metainfo,
    createLogger('test', 'fatal'),
  );
  cleanUps.push(() => {
    seed.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { seed, requests };
}

const serve: RequestListener = (request, response) => {
  const index = Number(/(\d)\.bin$/.exec(request.url ?? '')?.[1]);
  const file = metainfo.files[index];
  if (!file || file.isPadding) return response.writeHead(404).end();
  const [start = 0, last = 0] = (request.headers.range ?? '').replace('bytes=', '').split('-').map(Number);
  response.writeHead(206, { 'content-range': `bytes ${start}-${last}/${file.lengthBytes}` });
  response.end(CONTENT.subarray(file.offset + start, file.offset + last + 1));
};

/** Asks for all blocks; resolves with what came, by place, once each has come or failed. */
async function fetchAll(seed: WebSeed): Promise<{ bytes: Buffer; failed: number }> {
  const bytes = Buffer.alloc(CONTENT.length);
  seed.on('piece', (pieceIndex, offset, block) => void bytes.set(block, pieceIndex * PIECE + offset));
  const asked: Promise<boolean>[] = [];
  for (let start = 0; start < CONTENT.length; start += BLOCK) {
    const length = Math.min(BLOCK, CONTENT.length - start);
    asked.push(
      new Promise((resolve) =>
        seed.request(Math.floor(start / PIECE), start % PIECE, length, (error) => resolve(error === null)),
      ),
    );
  }
  return { bytes, failed: (await Promise.all(asked)).filter((isHere) => !isHere).length };
}

const heard = (seed: WebSeed, event: 'choke' | 'unchoke' | 'close') => new Promise<void>((resolve) => seed.once(event, resolve));

it('blocks that follow each other are one request a file, and padding is none', async () => {
  const { seed, requests } = await startSeed(serve);
  expect([0, 1, 2, 3].map((pieceIndex) => seed.peerPieces.get(pieceIndex))).toEqual([true, true, true, true]);
  const { bytes, failed } = await fetchAll(seed);
  expect(failed).toBe(0);
  expect(bytes.equals(CONTENT)).toBe(true);
  expect(requests).toEqual(['/Pack/0.bin bytes=0-99999', '/Pack/2.bin bytes=0-99999']);
});

it('a file that is not there takes its pieces away, and the others go on', async () => {
  const { seed } = await startSeed((request, response) =>
    request.url?.endsWith('2.bin') ? response.writeHead(404).end() : serve(request, response),
  );
  const choked = heard(seed, 'choke');
  const { failed } = await fetchAll(seed);
  await choked;
  expect(failed).toBeGreaterThan(0);
  expect([0, 1, 2, 3].map((pieceIndex) => seed.peerPieces.get(pieceIndex))).toEqual([true, false, false, false]);
  expect(seed.peerChoking).toBe(true);
  await heard(seed, 'unchoke');
  expect(seed.destroyed).toBe(false);
});

it('what is cancelled is not asked for, and what is all cancelled is broken off', async () => {
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
  const { promise: isGone, resolve: gone } = Promise.withResolvers<void>();
  const { seed, requests } = await startSeed((request) => {
    request.once('close', () => gone());
    asked();
  });
  const all = fetchAll(seed);
  for (let start = 0; start < CONTENT.length; start += BLOCK)
    if (start >= PIECE) seed.cancel(Math.floor(start / PIECE), start % PIECE, BLOCK);
  await isAsked;
  expect(requests).toEqual([`/Pack/0.bin bytes=0-${PIECE - 1}`]);
  for (let start = 0; start < PIECE; start += BLOCK) seed.cancel(0, start, BLOCK);
  await isGone;
  expect((await all).failed).toBe(Math.ceil(CONTENT.length / BLOCK));
  expect(seed.peerChoking).toBe(false);
});

it('after it was closed it is asked for nothing more, and says so', async () => {
  const { seed, requests } = await startSeed(serve);
  const closed = heard(seed, 'close');
  seed.destroy();
  await closed;
  expect((await fetchAll(seed)).failed).toBe(Math.ceil(CONTENT.length / BLOCK));
  expect(requests).toEqual([]);
});
