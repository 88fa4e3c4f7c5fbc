import { request } from 'node:http';
import { waitFor } from '@lodestream/testing';
import { expect, test } from 'vitest';
import { installOpenRelease, watchFilm } from './support/watched-film.ts';

const FILM_SECONDS = 300;
/** From the moment that the operator has written it. */
const GONE_MS = 10_000;
/** A gateway answers this from memory. */
const ANSWER_MS = 5000;
/** The page plays what it has, and asks for more before that is over. */
const TOLD_MS = 90_000;

test('a film that is put on the denylist while it plays is gone from every gateway, and its pods too', async () => {
  const { release, baseUrl } = await installOpenRelease('--set-json=denylist.lines=["# nothing yet"]');
  await using _release = release;
  await using film = await watchFilm(baseUrl, FILM_SECONDS);
  const { infoHash } = film.torrent;
  const [map = ''] = (await release.kubectl('get', 'configmaps', '--output=name'))
    .split('\n')
    .filter((name) => name.endsWith('-denylist'));
  const selector = '--selector=app.kubernetes.io/component=gateway';
  const addresses = (await release.kubectl('get', 'pods', selector, '--output=jsonpath={.items[*].status.podIP}')).split(' ');
  expect(addresses).toHaveLength(2);

  await release.kubectl('patch', map, '--patch', JSON.stringify({ data: { 'denylist.txt': `${infoHash} # case 12` } }));
  const writtenAt = performance.now();
  const isGone = async () => {
    const statuses = await Promise.all(addresses.map((address) => statusOf(address, new URL(baseUrl).host, infoHash)));
    const isServed = (await release.pods()).some((name) => /^(dl|tc|pr)-/.test(name));
    return statuses.every((status) => status === 451) && !isServed;
  };
  await waitFor(isGone, { what: 'it is denied by both, and no pod serves it', timeoutMs: 2 * GONE_MS });
  const seconds = (performance.now() - writtenAt) / 1000;
  console.info(`denied by both gateways, its pods gone: ${seconds.toFixed(1)} s`);
  expect(seconds * 1000).toBeLessThan(GONE_MS);
  await film.watch.page.waitForSelector('[data-testid=failure][data-code=denied]', { timeout: TOLD_MS });
});

/** What one gateway says of the torrent, whichever the Service would have asked. */
function statusOf(address: string, host: string, infoHash: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const path = `/api/v1/torrents/${infoHash}`;
    const signal = AbortSignal.timeout(ANSWER_MS);
    request({ host: address, port: 8080, path, headers: { host }, signal }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
