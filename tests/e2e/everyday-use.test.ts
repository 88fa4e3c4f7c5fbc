import { hostname } from 'node:os';
import { apiPaths } from '@lodestream/shared';
import {
  buildMagnet,
  createTorrent,
  launchBrowser,
  makeClip,
  openWatchPage,
  startGateway,
  startLibtorrentSeeder,
  startSeeder,
  watchThisPage,
} from '@lodestream/testing';
import { expect, test } from 'vitest';

const START_MS = 60_000;
const OFFLINE_MS = 20_000;
const LAN_NAME = 'media.lan';

async function seedFilm(name: string, durationSeconds: number) {
  const clip = await makeClip({ durationSeconds, width: 320, height: 180, name });
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name });
  return { clip, torrent, seeder: await startSeeder({ client: 'libtorrent', torrent }) };
}

test('a reload goes on at the same place, and back shows what is in the torrent', async () => {
  const film = await seedFilm('reload', 60);
  await using _seeder = film.seeder;
  await using gateway = await startGateway();
  await using browser = await launchBrowser();
  const watch = await openWatchPage(browser, gateway.baseUrl, buildMagnet(film.torrent, [film.seeder]));
  await watch.waitForTime(1, START_MS);
  await watch.seek(32, START_MS);
  await watch.waitForTime(34, START_MS);

  await watch.page.reload();
  const again = await watchThisPage(watch.page, watch.faults);
  await expect.poll(async () => (await again.state()).currentSeconds, { timeout: START_MS }).toBeGreaterThan(32);
  await again.waitForTime(35, START_MS);
  expect((await again.state()).buffered.every(([start]) => start > 10)).toBe(true);

  await watch.page.goBack();
  await expect.poll(() => watch.page.getByTestId('torrent-name').textContent(), { timeout: START_MS }).toContain('reload');
  expect(await watch.page.getByTestId('file').count()).toBe(1);
  expect(watch.faults.errors).toEqual([]);
});

test('three films play in three tabs of one browser', async () => {
  const films = [await seedFilm('one', 30), await seedFilm('two', 30), await seedFilm('three', 30)];
  await using _one = films[0]?.seeder;
  await using _two = films[1]?.seeder;
  await using _three = films[2]?.seeder;
  await using gateway = await startGateway();
  await using browser = await launchBrowser();
  const { page: first } = await browser.openPage();
  const tabs = [];
  for (const { torrent, seeder } of films) {
    // Tabs of one profile share the six connections that a browser allows for a host.
    const page: typeof first = tabs.length === 0 ? first : await first.context().newPage();
    await page.goto(gateway.baseUrl);
    await page.getByTestId('magnet-input').fill(buildMagnet(torrent, [seeder]));
    await page.getByTestId('add').click();
    tabs.push(await watchThisPage(page, { errors: [], failedResponses: [], strayRequests: [] }));
  }
  await Promise.all(tabs.map((tab) => tab.waitForTime(4, 2 * START_MS)));
});

test('a network that is away for 20 s is waited for', async () => {
  const film = await seedFilm('offline', 90);
  await using _seeder = film.seeder;
  await using gateway = await startGateway();
  await using browser = await launchBrowser();
  const watch = await openWatchPage(browser, gateway.baseUrl, buildMagnet(film.torrent, [film.seeder]));
  await watch.waitForTime(1, START_MS);
  await watch.page.context().setOffline(true);
  // Where nothing is buffered the player must ask for it while there is no network.
  await watch.page.evaluate(() => {
    const video = document.querySelector('video') as { currentTime: number } | null;
    if (video) video.currentTime = 70;
  });
  await watch.page.waitForTimeout(OFFLINE_MS);
  await watch.page.context().setOffline(false);
  await watch.waitForTime(72, START_MS);
  expect(await watch.page.getByTestId('failure').count()).toBe(0);
});

test('a swarm slower than the film says so, waits and plays on', async () => {
  const clip = await makeClip({ durationSeconds: 60, width: 640, height: 360, name: 'slow' });
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name });
  const bytesPerSecond = torrent.lengthBytes / clip.durationSeconds;
  await using seeder = await startLibtorrentSeeder({
    torrent,
    dir: clip.dir,
    address: '127.0.0.1',
    uploadBytesPerSecond: Math.floor(bytesPerSecond / 2),
  });
  await using gateway = await startGateway();
  await using browser = await launchBrowser();
  const watch = await openWatchPage(browser, gateway.baseUrl, buildMagnet(torrent, [seeder]));
  await watch.waitForTime(1, START_MS);
  await expect.poll(() => watch.page.textContent('body'), { timeout: START_MS }).toMatch(/more slowly than it plays/);
  const stalledAt = (await watch.state()).currentSeconds;
  await watch.waitForTime(stalledAt + 3, START_MS);
  expect(await watch.page.getByTestId('failure').count()).toBe(0);
  await seeder.setUploadLimit(0);
  await watch.waitForTime(stalledAt + 15, START_MS);
  expect(watch.faults.errors).toEqual([]);
});

test('opened by the name that the network knows it by', async () => {
  const film = await seedFilm('lan', 20);
  await using _seeder = film.seeder;
  await using browser = await launchBrowser({ extraFlags: [`--host-resolver-rules=MAP ${LAN_NAME} 127.0.0.1`] });
  const lanUrl = (baseUrl: string) => baseUrl.replace('127.0.0.1', LAN_NAME);
  {
    await using closed = await startGateway({ settings: { LODESTREAM_HOST: '0.0.0.0' } });
    const { page } = await browser.openPage();
    const answer = await page.goto(lanUrl(closed.baseUrl));
    expect(answer?.status()).toBe(421);
    expect(await answer?.json()).toMatchObject({
      code: 'host-not-allowed',
      detail: expect.stringContaining('LODESTREAM_PUBLIC_URL'),
    });
  }
  await using open = await startGateway({
    settings: { LODESTREAM_HOST: '0.0.0.0', LODESTREAM_PUBLIC_URL: `http://${LAN_NAME},http://${hostname()}` },
  });
  const watch = await openWatchPage(browser, lanUrl(open.baseUrl), buildMagnet(film.torrent, [film.seeder]));
  await watch.waitForTime(1, START_MS);
  expect((await fetch(`${open.baseUrl}${apiPaths.torrent(film.torrent.infoHash)}`)).status, 'by its address').toBe(200);
});
