import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Problem, Torrent } from '@lodestream/shared';
import { makeTempDir, waitFor } from '@lodestream/testing';
import type { LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from './open-test-app.ts';

let one: TestApp;
beforeAll(async () => {
  one = await openTestApp({ publicHosts: ['media.lan:8080'] });
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
});

const newHash = () => randomBytes(20).toString('hex');
const HOST = { host: '127.0.0.1:8080' };
const UNKNOWN = newHash();

type Ask = {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  payload?: string | Buffer | object;
};
const ask = ({ headers = {}, ...rest }: Ask, app = one.app) => app.inject({ ...rest, headers: { ...HOST, ...headers } });
const post = (payload: string | Buffer | object, contentType = 'application/json') =>
  ask({ method: 'POST', url: '/api/v1/torrents', headers: { 'content-type': contentType }, payload });

function expectProblem(response: LightMyRequestResponse, status: number, code: string): Problem {
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json(;|$)/);
  const problem = Problem.parse(response.json());
  expect({ status: response.statusCode, code: problem.code, inBody: problem.status }).toEqual({ status, code, inBody: status });
  expect(response.headers['cache-control']).toBe('no-store');
  expectBaseHeaders(response);
  return problem;
}

function expectBaseHeaders({ headers }: { headers: LightMyRequestResponse['headers'] }): void {
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'x-robots-tag': 'noindex, nofollow, noarchive',
  });
  for (const name of ['x-powered-by', 'server', 'set-cookie', 'access-control-allow-origin'])
    expect(headers).not.toHaveProperty(name);
}

function multipart(parts: { field: string; fileName?: string; body: Buffer | string }[]) {
  const boundary = 'x-boundary-x';
  const payload = Buffer.concat([
    ...parts.flatMap(({ field, fileName, body }) => [
      Buffer.from(
        `--${boundary}\r\ncontent-disposition: form-data; name="${field}"${fileName ? `; filename="${fileName}"` : ''}\r\n`,
      ),
      Buffer.from(`${fileName ? 'content-type: application/x-bittorrent\r\n' : ''}\r\n`),
      Buffer.from(body),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return { payload, contentType: `multipart/form-data; boundary=${boundary}` };
}

/** A .torrent of one file with so many pieces. */
function metainfo(pieceCount: number): Buffer {
  const name = newHash();
  const info = `d6:lengthi${pieceCount * 16384}e4:name${name.length}:${name}12:piece lengthi16384e6:pieces${pieceCount * 20}:`;
  return Buffer.concat([Buffer.from(`d4:info${info}`), Buffer.alloc(pieceCount * 20, 7), Buffer.from('ee')]);
}

describe('the names that it answers to', () => {
  it.each(['localhost:8080', '127.0.0.1', '[::1]:8080', 'media.lan:8080'])('include %s', async (host) => {
    expectProblem(await ask({ url: `/api/v1/torrents/${UNKNOWN}`, headers: { host } }), 404, 'torrent-unknown');
  });

  it.each(['evil.example', '127.0.0.1.evil.example', 'media.lan.evil.example', '10.0.0.1'])('do not include %s', async (host) => {
    for (const url of ['/', `/api/v1/torrents/${UNKNOWN}`, '/nowhere']) {
      const problem = expectProblem(await ask({ url, headers: { host } }), 421, 'host-not-allowed');
      expect(problem.detail).toContain('LODESTREAM_PUBLIC_URL');
    }
  });

  it('are what the client says, not what it says that a proxy said', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'localhost' };
    expectProblem(await ask({ url: '/', headers }), 421, 'host-not-allowed');
  });

  it('include any name for health checks alone', async () => {
    for (const url of ['/livez', '/readyz']) {
      const response = await ask({ url, headers: { host: 'pod-7' } });
      expect(response.statusCode).toBe(200);
      expectBaseHeaders(response);
    }
  });
});

describe('requests of other sites', () => {
  it.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin', { origin: 'null' }],
    ['a cross-site form', { 'sec-fetch-site': 'cross-site' }],
  ])('cannot open a torrent: %s', async (_name, headers) => {
    const infoHash = newHash();
    const response = await ask({ method: 'POST', url: '/api/v1/torrents', headers, payload: { infoHash } });
    expectProblem(response, 403, 'origin-not-allowed');
    expect(one.deps.torrents.list().some(({ spec }) => spec.kind === 'downloader' && spec.infoHash === infoHash)).toBe(false);
  });

  it('are told nothing by CORS', async () => {
    const response = await ask({ url: '/api/v1/openapi.json', headers: { origin: 'https://evil.example' } });
    expectBaseHeaders(response);
  });
});

describe('bad input', () => {
  it.each([
    ['no JSON', '{"magnet":', 'application/json', 400, 'invalid-request'],
    ['an empty body', '', 'application/json', 400, 'invalid-request'],
    ['another shape', '{"url":"http://evil.example/"}', 'application/json', 400, 'invalid-request'],
    ['both at once', `{"magnet":"x","infoHash":"${UNKNOWN}"}`, 'application/json', 400, 'invalid-request'],
    ['no object', '"magnet"', 'application/json', 400, 'invalid-request'],
    ['null', 'null', 'application/json', 400, 'invalid-request'],
    ['a prototype', '{"__proto__":{"magnet":"x"}}', 'application/json', 400, 'invalid-request'],
    ['no magnet', '{"magnet":"http://evil.example/"}', 'application/json', 400, 'invalid-magnet'],
    ['a v2 magnet', `{"magnet":"magnet:?xt=urn:btmh:1220${'a'.repeat(64)}"}`, 'application/json', 422, 'torrent-v2-only'],
    ['a magnet that is too long', JSON.stringify({ magnet: 'm'.repeat(20_000) }), 'application/json', 400, 'invalid-request'],
    ['JSON that is too large', JSON.stringify({ magnet: 'm'.repeat(70_000) }), 'application/json', 413, 'body-too-large'],
    ['plain text', 'magnet:?', 'text/plain', 415, 'unsupported-media-type'],
    ['XML', '<magnet/>', 'application/xml', 415, 'unsupported-media-type'],
    ['a form', 'magnet=x', 'application/x-www-form-urlencoded', 415, 'unsupported-media-type'],
    ['no .torrent', 'hello', 'application/x-bittorrent', 422, 'invalid-torrent'],
    ['an empty .torrent', '', 'application/x-bittorrent', 400, 'invalid-request'],
  ])('is a problem document: %s', async (_name, payload, contentType, status, code) => {
    const response = await post(payload, contentType);
    if (payload === '' && contentType === 'application/x-bittorrent') {
      expect([400, 422]).toContain(response.statusCode);
      return void expectProblem(response, response.statusCode, Problem.parse(response.json()).code);
    }
    expectProblem(response, status, code);
  });

  it('is a .torrent beyond 10 MiB', async () => {
    expectProblem(await post(Buffer.alloc(10 * 1024 * 1024 + 1, 'x'), 'application/x-bittorrent'), 413, 'body-too-large');
    const { payload, contentType } = multipart([
      { field: 'torrent', fileName: 'a.torrent', body: Buffer.alloc(10 * 1024 * 1024 + 1, 'x') },
    ]);
    expectProblem(await post(payload, contentType), 413, 'body-too-large');
  });

  it.each([
    ['another field', multipart([{ field: 'film', fileName: 'a.torrent', body: metainfo(1) }]), 400, 'invalid-request'],
    ['no file', multipart([{ field: 'torrent', body: 'text' }]), 400, undefined],
    [
      'two files',
      multipart([
        { field: 'torrent', fileName: 'a', body: 'x' },
        { field: 'torrent', fileName: 'b', body: 'x' },
      ]),
      undefined,
      undefined,
    ],
    [
      'a body that breaks off',
      { payload: Buffer.from('--x-boundary-x\r\ncontent-dispo'), contentType: 'multipart/form-data; boundary=x-boundary-x' },
      400,
      undefined,
    ],
    ['no boundary', { payload: Buffer.from('x'), contentType: 'multipart/form-data' }, undefined, undefined],
  ])('is a multipart body with %s', async (_name, { payload, contentType }, status, code) => {
    const response = await post(payload, contentType);
    const problem = expectProblem(response, response.statusCode, Problem.parse(response.json()).code);
    expect(problem.status).toBeGreaterThanOrEqual(400);
    expect(problem.status).toBeLessThan(500);
    if (status !== undefined) expect(problem.status).toBe(status);
    if (code !== undefined) expect(problem.code).toBe(code);
  });

  it.each([
    `/api/v1/torrents/${'g'.repeat(40)}`,
    '/api/v1/torrents/short',
    `/api/v1/torrents/${UNKNOWN}/files/-1/media`,
    `/api/v1/torrents/${UNKNOWN}/files/01/media`,
    `/api/v1/torrents/${UNKNOWN}/files/1e3/media`,
    `/api/v1/torrents/${UNKNOWN}/files/100000/media`,
    `/api/v1/torrents/${UNKNOWN}/files/..%2f..%2fetc/content`,
    `/api/v1/torrents/${UNKNOWN}/files/0/hls/v720/index.m3u8`,
    `/api/v1/torrents/${UNKNOWN}/files/0/hls/..%2f-00000000/index.m3u8`,
    `/api/v1/torrents/${UNKNOWN}/files/0/hls/v720-00000000/1.5.m4s`,
    `/api/v1/torrents/${UNKNOWN}/files/0/hls/v720-00000000/99999999.m4s`,
    `/api/v1/torrents/${UNKNOWN}/events?file=x`,
    `/api/v1/torrents/${UNKNOWN}/files/0/content?download=2`,
  ])('is a path that nothing of ours has: %s', async (url) => {
    expectProblem(await ask({ url }), 400, 'invalid-request');
  });

  it.each(['/%', '/api/v1/torrents/%zz', `/api/v1/torrents/${'a'.repeat(500)}`])(
    'is a path that cannot be read: %s',
    async (url) => {
      const response = await ask({ url });
      const problem = expectProblem(response, response.statusCode, Problem.parse(response.json()).code);
      expect(problem.status).toBeGreaterThanOrEqual(400);
      expect(problem.status).toBeLessThan(500);
      expect(response.body).not.toContain('FST_');
    },
  );

  it('is an unknown path or method', async () => {
    expectProblem(await ask({ url: '/api/v1/nothing' }), 404, 'not-found');
    expectProblem(await ask({ method: 'DELETE', url: `/api/v1/torrents/${UNKNOWN}` }), 404, 'not-found');
    expectProblem(await ask({ url: '/call-home' }), 404, 'not-found');
    expectProblem(await ask({ url: '/metrics' }), 404, 'not-found');
  });

  it('never shows a client what went wrong inside', async () => {
    await using broken = await openTestApp({
      wrap: (deps) => ({ ...deps, viewers: { ...deps.viewers, torrent: () => Promise.reject(new Error('secret /etc/passwd')) } }),
    });
    const response = await ask({ url: `/api/v1/torrents/${UNKNOWN}` }, broken.app);
    expectProblem(response, 500, 'internal');
    expect(response.body).not.toContain('secret');
  });
});

describe('a torrent', () => {
  it('is unknown until it is posted, in every place', async () => {
    for (const rest of [
      '',
      '/events',
      '/files/0/media',
      '/files/0/content',
      '/files/0/hls/index.m3u8',
      '/files/0/hls/v720-00000000/init.mp4',
    ])
      expectProblem(await ask({ url: `/api/v1/torrents/${UNKNOWN}${rest}` }), 404, 'torrent-unknown');
  });

  it('is there at once when it was posted, once for all spellings of its hash', async () => {
    const infoHash = newHash();
    const startedAt = performance.now();
    const first = await post({ magnet: `magnet:?xt=urn:btih:${infoHash}&dn=A%20film` });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(first.statusCode).toBe(201);
    expect(first.headers).toMatchObject({ location: `/api/v1/torrents/${infoHash}`, 'cache-control': 'no-store' });
    expectBaseHeaders(first);
    expect(Torrent.parse(first.json())).toMatchObject({
      infoHash,
      name: 'A film',
      status: 'queued',
      stage: 'finding-peers',
      files: [],
    });
    const again = await post({ infoHash: infoHash.toUpperCase() });
    expect(again.statusCode).toBe(200);
    const found = await ask({ url: `/api/v1/torrents/${infoHash.toUpperCase()}` });
    expect(Torrent.parse(found.json()).infoHash).toBe(infoHash);
  });

  it.each([
    ['a body', (bytes: Buffer) => ({ payload: bytes, contentType: 'application/x-bittorrent' })],
    ['a multipart field', (bytes: Buffer) => multipart([{ field: 'torrent', fileName: 'a.torrent', body: bytes }])],
  ])('may come as a .torrent larger than any JSON, as %s', async (_name, wrap) => {
    const { payload, contentType } = wrap(metainfo(10_000));
    const response = await post(payload, contentType);
    expect(response.statusCode, response.body).toBe(201);
  });

  it('is held for no longer than the limit, then told where it waits', async () => {
    const infoHash = newHash();
    await post({ infoHash });
    const rests = [
      'files/0/media',
      'files/0/hls/index.m3u8',
      'files/0/hls/v720-00000000/index.m3u8',
      'files/0/hls/v720-00000000/init.mp4',
    ];
    for (const rest of [...rests, 'files/0/hls/v720-00000000/3.m4s', 'files/0/content']) {
      const startedAt = performance.now();
      const response = await ask({ url: `/api/v1/torrents/${infoHash}/${rest}` });
      const heldMs = performance.now() - startedAt;
      expect(expectProblem(response, 503, 'not-ready').stage, rest).toBe('finding-peers');
      expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
      expect(heldMs).toBeGreaterThan(300);
      expect(heldMs).toBeLessThan(5000);
    }
  });

  it('is refused with 503 where as many are open as allowed, and all are watched', async () => {
    await using small = await openTestApp({ maxTorrents: 1 });
    const headers = { ...HOST, 'content-type': 'application/json' };
    const open = (infoHash: string) =>
      small.app.inject({ method: 'POST', url: '/api/v1/torrents', headers, payload: { infoHash } });
    const first = newHash();
    expect((await open(first)).statusCode).toBe(201);
    const refused = await open(newHash());
    expectProblem(refused, 503, 'busy');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await open(first)).statusCode).toBe(200);
  });

  it('is refused with 503 also to those who ask at the same moment', async () => {
    await using small = await openTestApp({ maxTorrents: 3 });
    const headers = { ...HOST, 'content-type': 'application/json' };
    const open = (infoHash: string) =>
      small.app.inject({ method: 'POST', url: '/api/v1/torrents', headers, payload: { infoHash } });
    // One that answers: to ask it how idle it is takes a moment, in which the others come.
    const first = newHash();
    await open(first);
    await small.deps.orchestrator.whenReady(`dl-${first}`, AbortSignal.timeout(20_000));
    const answers = await Promise.all(Array.from({ length: 6 }, () => open(newHash())));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 201, 503, 503, 503, 503]);
  });
});

describe('a stream of events', () => {
  it('says the state again and again, until its client goes', async () => {
    const infoHash = newHash();
    await post({ infoHash });
    const url = await listening(one);
    const client = new AbortController();
    const response = await fetch(`${url}/api/v1/torrents/${infoHash}/events`, { signal: client.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expectBaseHeaders({ headers: Object.fromEntries(response.headers) });
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if ((text.match(/\n\n/g) ?? []).length >= 3) break;
    }
    const events = text.split('\n\n').filter(Boolean);
    for (const event of events) {
      const [name, data = ''] = event.split('\n');
      expect(name).toBe('event: state');
      expect(JSON.parse(data.slice('data: '.length))).toMatchObject({ infoHash, stage: 'finding-peers', hints: [] });
    }
    client.abort();
  });

  it('is over for a client that left before it began', async () => {
    let open = 0;
    const begun = Promise.withResolvers<void>();
    const proceed = Promise.withResolvers<void>();
    await using slow = await openTestApp({
      wrap: (deps) => ({
        ...deps,
        limits: {
          ...deps.limits,
          openStream: () => {
            open++;
            return () => open--;
          },
        },
        viewers: {
          ...deps.viewers,
          event: async (...args) => {
            const event = await deps.viewers.event(...args);
            begun.resolve();
            await proceed.promise;
            return event;
          },
        },
      }),
    });
    const infoHash = newHash();
    const headers = { ...HOST, 'content-type': 'application/json' };
    await slow.app.inject({ method: 'POST', url: '/api/v1/torrents', headers, payload: { infoHash } });
    const { port } = new URL(await listening(slow));
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`GET /api/v1/torrents/${infoHash}/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
    const [server] = [slow.app.server];
    await begun.promise;
    socket.destroy();
    await waitFor(() => new Promise<boolean>((resolve) => server.getConnections((_error, count) => resolve(count === 0))), {
      what: 'the server has seen it go',
      timeoutMs: 5000,
    });
    proceed.resolve();
    await waitFor(() => open === 0, { what: 'its place is free', timeoutMs: 5000 });
  });
});

describe('a held request whose client goes', () => {
  it('is given up at once, and frees its place', async () => {
    let open = 0;
    let opened = 0;
    await using held = await openTestApp({
      holdMs: 60_000,
      wrap: (deps) => ({
        ...deps,
        limits: {
          ...deps.limits,
          openStream: () => {
            open++;
            opened++;
            return () => open--;
          },
        },
      }),
    });
    const infoHash = newHash();
    const headers = { ...HOST, 'content-type': 'application/json' };
    await held.app.inject({ method: 'POST', url: '/api/v1/torrents', headers, payload: { infoHash } });
    const url = await listening(held);
    const client = new AbortController();
    const asked = ['content', 'hls/v720-00000000/0.m4s'].map((rest) =>
      fetch(`${url}/api/v1/torrents/${infoHash}/files/0/${rest}`, { signal: client.signal }).catch((error: Error) => error.name),
    );
    await waitFor(() => opened === 2, { what: 'both are held', timeoutMs: 5000 });
    client.abort();
    expect(await Promise.all(asked)).toEqual(['AbortError', 'AbortError']);
    await waitFor(() => open === 0, { what: 'both places are free', timeoutMs: 5000 });
  });
});

describe('limits of a client', () => {
  const from = (app: TestApp, address: string, proxied?: string) =>
    app.app.inject({
      url: `/api/v1/torrents/${UNKNOWN}`,
      remoteAddress: address,
      headers: { ...HOST, ...(proxied ? { 'x-forwarded-for': proxied } : {}) },
    });

  it('are counted by its address, whatever it says of itself', async () => {
    await using limited = await openTestApp({ hasClientLimits: true });
    const answers = await Promise.all(Array.from({ length: 210 }, (_, n) => from(limited, '203.0.113.7', `198.51.100.${n}`)));
    expect(answers.filter(({ statusCode }) => statusCode === 429)).toHaveLength(10);
    const refused = answers.find(({ statusCode }) => statusCode === 429);
    if (refused) expectProblem(refused, 429, 'rate-limited');
    expect((await from(limited, '203.0.113.8')).statusCode).toBe(404);
  });

  it('are counted by what a trusted proxy says', async () => {
    await using limited = await openTestApp({ hasClientLimits: true, trustedProxies: ['203.0.113.7'] });
    const answers = await Promise.all(Array.from({ length: 210 }, (_, n) => from(limited, '203.0.113.7', `198.51.100.${n}`)));
    expect(answers.filter(({ statusCode }) => statusCode === 429)).toHaveLength(0);
  });
});

describe('the web app', () => {
  it('is served with the headers of a page, its assets for ever', async () => {
    await using dir = await makeTempDir('web');
    await mkdir(join(dir.path, 'assets'));
    await writeFile(join(dir.path, 'index.html'), '<!doctype html>');
    await writeFile(join(dir.path, 'assets', 'app-1234.js'), '1');
    await using page = await openTestApp({ webDir: dir.path });
    for (const url of ['/', '/t/abc', '/index.html']) {
      const response = await ask({ url }, page.app);
      expect(response.statusCode, url).toBe(200);
      expectBaseHeaders(response);
      expect(response.headers['content-security-policy']).toContain("default-src 'none'");
      expect(response.headers).toMatchObject({ 'cross-origin-opener-policy': 'same-origin', 'cache-control': 'no-cache' });
      expect(response.headers['permissions-policy']).toContain('camera=()');
    }
    const asset = await ask({ url: '/assets/app-1234.js' }, page.app);
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expectBaseHeaders(asset);
    expectProblem(await ask({ url: '/assets/missing.js' }, page.app), 404, 'not-found');
    for (const url of ['/../package.json', '/assets/..%2f..%2fpackage.json', '/.env']) {
      const response = await ask({ url }, page.app);
      expect(response.statusCode, url).toBeGreaterThanOrEqual(400);
    }
  });
});

describe('the OpenAPI document', () => {
  type Document = {
    openapi: string;
    info: { title: string; version: string };
    paths: Record<
      string,
      Record<string, { summary?: string; parameters?: { name: string; in: string; schema: object }[]; responses: object }>
    >;
    components?: { schemas?: Record<string, object> };
  };
  const read = async () => (await ask({ url: '/api/v1/openapi.json' })).json<Document>();

  it('lists every public call', async () => {
    const { paths } = await read();
    const calls = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const file = '/api/v1/torrents/{infoHash}/files/{fileIndex}';
    expect(new Set(calls)).toEqual(
      new Set([
        'POST /api/v1/torrents',
        'GET /api/v1/torrents/{infoHash}',
        'GET /api/v1/torrents/{infoHash}/events',
        `GET ${file}/media`,
        `GET ${file}/content`,
        `HEAD ${file}/content`,
        `GET ${file}/hls/index.m3u8`,
        `GET ${file}/hls/{rendition}/index.m3u8`,
        `GET ${file}/hls/{rendition}/init.mp4`,
        `GET ${file}/hls/{rendition}/{segment}.m4s`,
      ]),
    );
  });

  it('is a valid document: versions, declared parameters, answers, no loose end', async () => {
    const document = await read();
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toEqual({ title: 'Lodestream', version: '1' });
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, call] of Object.entries(methods)) {
        const declared = (call.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name);
        expect(new Set(declared), `${method} ${path}`).toEqual(new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)));
        expect(call.summary, `${method} ${path}`).toBeTruthy();
        expect(Object.keys(call.responses).length, `${method} ${path}`).toBeGreaterThan(0);
        for (const { schema } of call.parameters ?? []) expect(schema).toBeTypeOf('object');
      }
    for (const [, reference = ''] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
      const target = reference
        .slice('#/'.length)
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
      expect(target, reference).toBeDefined();
    }
  });
});

describe('the internal port', () => {
  it('has the metrics, without a word about who watches what', async () => {
    const infoHash = newHash();
    await post({ infoHash });
    const response = await one.internal.inject({ url: '/metrics' });
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toContain('text/plain');
    expect(response.body).toMatch(/^lodestream_workloads\{kind="downloader",phase="\w+"\} \d+$/m);
    for (const name of [
      'lodestream_runs{state="asleep"}',
      'lodestream_segment_cache_bytes',
      'lodestream_segment_first_byte_seconds',
    ])
      expect(response.body).toContain(name);
    expect(response.body).not.toContain(infoHash);
    for (const line of response.body.split('\n').filter(Boolean))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|[a-zA-Z_:][\w:]*(\{[^}]*\})? [-+.\deNaInf]+( \d+)?)$/);
  });

  it('takes no call home that is not one', async () => {
    for (const payload of ['{}', '{"name":"dl-a"}', 'x'.repeat(10_000), '{"name":"dl-a","address":"127.0.0.1","port":1}']) {
      const headers = { 'content-type': 'application/json', authorization: 'Bearer x' };
      const response = await one.internal.inject({ method: 'POST', url: '/call-home', headers, payload });
      expect(response.statusCode).toBeGreaterThanOrEqual(400);
      expect(response.statusCode).toBeLessThan(500);
      expect(response.headers['content-type']).toMatch(/^application\/problem\+json(;|$)/);
    }
  });

  it('has nothing of the public API', async () => {
    expect((await one.internal.inject({ url: `/api/v1/torrents/${UNKNOWN}` })).statusCode).toBe(404);
  });
});

async function listening({ app }: TestApp): Promise<string> {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') {
    await once(app.server, 'listening');
    return listening({ app } as TestApp);
  }
  return `http://127.0.0.1:${address.port}`;
}
