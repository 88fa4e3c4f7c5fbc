import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { apiPaths, Problem } from '@lodestream/shared';
import {
  buildMagnet,
  createTorrent,
  findCorpus,
  launchBrowser,
  makeTempDir,
  startGateway,
  startSeeder,
  type TestGateway,
} from '@lodestream/testing';
import { describe, expect, test } from 'vitest';

const NOBODYS_HASH = 'c9e15763f722f23e98a29decdfae341b98d53056';
/** The hint comes after a minute without a peer. */
const HINT_TIMEOUT_MS = 75_000;
const VERDICT_MS = 60_000;
const corpus = findCorpus();

test('what is no torrent gets a clear message in the page and a stable code in the API, and the server lives', async () => {
  await using gateway = await startGateway();
  await using browser = await launchBrowser();
  const { page, faults } = await browser.openPage();

  await page.goto(gateway.baseUrl);
  await page.getByTestId('magnet-input').fill('this is no magnet');
  await page.getByTestId('add').click();
  await expect.poll(() => page.getByTestId('message').textContent()).toMatch(/neither a magnet link nor an info hash/);

  await page.getByTestId('torrent-file').setInputFiles({
    name: 'broken.torrent',
    mimeType: 'application/x-bittorrent',
    buffer: Buffer.from('d4:infod6:lengthi-1eee'),
  });
  await expect.poll(() => page.getByTestId('message').textContent()).toMatch(/torrent is broken/);

  expect(await codeOf(gateway, 'application/json', '{"magnet":"magnet:?dn=foo"}')).toBe('invalid-magnet');
  expect(await codeOf(gateway, 'application/json', '{"magnet":')).toBe('invalid-request');
  expect(await codeOf(gateway, 'application/json', '{"infoHash":"xyz"}')).toBe('invalid-magnet');
  expect(await codeOf(gateway, 'application/x-bittorrent', 'l-3:e')).toBe('invalid-torrent');
  expect(await codeOf(gateway, 'text/plain', 'hello')).toBe('unsupported-media-type');
  expect(
    await codeOf(gateway, 'application/json', JSON.stringify({ magnet: `magnet:?xt=urn:btmh:1220${'cd'.repeat(32)}` })),
  ).toBe('torrent-v2-only');
  expect((await fetch(`${gateway.baseUrl}/readyz`)).status).toBe(200);
  expect(faults.errors).toEqual([]);
});

test('a magnet that nobody seeds says so after a minute, and keeps trying', async () => {
  await using gateway = await startGateway();
  await using browser = await launchBrowser();
  const { page } = await browser.openPage();
  await page.goto(gateway.baseUrl);
  await page.getByTestId('magnet-input').fill(`magnet:?xt=urn:btih:${NOBODYS_HASH}`);
  await page.getByTestId('add').click();
  await expect.poll(() => page.getByTestId('stage').textContent(), { timeout: 10_000 }).toMatch(/Looking for people/);
  await expect
    .poll(() => page.getByTestId('hint').textContent({ timeout: HINT_TIMEOUT_MS }), { timeout: HINT_TIMEOUT_MS })
    .toMatch(/Nobody who shares this/);
  const torrent = await (await fetch(`${gateway.baseUrl}${apiPaths.torrent(NOBODYS_HASH)}`)).json();
  expect(torrent).toMatchObject({ status: 'resolving', stage: 'finding-peers', hints: ['no-peers'] });
});

describe.skipIf(!corpus)('media of the corpus that nobody can play', () => {
  const rejects = corpus?.media.filter((media) => media.expect === 'reject') ?? [];

  test('is refused with a reason, in the page too', async () => {
    await using dir = await makeTempDir('rejects');
    await mkdir(join(dir.path, 'rejects'));
    for (const media of rejects)
      await copyFile(join(corpus?.dir ?? '', media.path), join(dir.path, 'rejects', basename(media.path)));
    const torrent = await createTorrent({ dir: dir.path, name: 'rejects' });
    await using seeder = await startSeeder({ client: 'libtorrent', torrent });
    await using gateway = await startGateway();
    await using browser = await launchBrowser();
    await post(gateway, 'application/json', JSON.stringify({ magnet: buildMagnet(torrent, [seeder]) }));

    expect(torrent.files.length).toBe(rejects.length);
    for (const fileIndex of torrent.files.keys()) {
      const problem = await problemOfMedia(`${gateway.baseUrl}${apiPaths.media(torrent.infoHash, fileIndex)}`);
      expect(problem, torrent.files[fileIndex]?.path).toMatchObject({ status: 422, code: 'not-playable' });
      expect(problem.reason).toBeDefined();
    }
    const { page } = await browser.openPage();
    await page.goto(`${gateway.baseUrl}/t/${torrent.infoHash}/f/0`);
    await expect
      .poll(() => page.getByTestId('failure').textContent({ timeout: VERDICT_MS }), { timeout: VERDICT_MS })
      .toMatch(/cannot be played/);
    expect((await fetch(`${gateway.baseUrl}/readyz`)).status).toBe(200);
  });
});

function post(gateway: TestGateway, contentType: string, body: string): Promise<Response> {
  return fetch(`${gateway.baseUrl}${apiPaths.torrents()}`, { method: 'POST', headers: { 'content-type': contentType }, body });
}

async function codeOf(gateway: TestGateway, contentType: string, body: string): Promise<string> {
  return Problem.parse(await (await post(gateway, contentType, body)).json()).code;
}

/** The answer to "what is in it", asked again as long as it is "not yet". */
async function problemOfMedia(url: string): Promise<Problem> {
  const deadline = performance.now() + VERDICT_MS;
  for (;;) {
    const response = await fetch(url);
    if (response.status !== 503 || performance.now() > deadline) return Problem.parse(await response.json());
    await response.body?.cancel();
  }
}
