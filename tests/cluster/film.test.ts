import { apiPaths } from '@lodestream/shared';
import {
  buildMagnet,
  checkRendition,
  createTorrent,
  decodeFrameNumbers,
  decodeTones,
  judgeFrames,
  launchBrowser,
  makeClip,
  openWatchPage,
  readMultivariantPlaylist,
  startSeeder,
  waitFor,
} from '@lodestream/testing';
import { expect, test } from 'vitest';
import { HOST_ADDRESS, makeClusterPlace } from '../../services/gateway/test/cluster-place.ts';
import { startClusterGateway } from './support/cluster-gateway.ts';

const SECONDS = 25;
const START_TIMEOUT_MS = 90_000;
const PLAY_TIMEOUT_MS = 180_000;
const TTL_SECONDS = 15;
const GONE_TIMEOUT_MS = 60_000;

async function post(baseUrl: string, magnet: string): Promise<void> {
  const response = await fetch(`${baseUrl}${apiPaths.torrents()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ magnet }),
  });
  expect(response.status).toBe(201);
}

test('a film plays through pods in a browser, and its pods are gone after the time to live', async () => {
  const clip = await makeClip({ durationSeconds: SECONDS, name: 'film' });
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name });
  await using seeder = await startSeeder({ client: 'transmission', torrent, address: HOST_ADDRESS });
  await using place = await makeClusterPlace();
  await using gateway = await startClusterGateway(place, { LODESTREAM_CACHE_TTL_SECONDS: String(TTL_SECONDS) });
  {
    await using browser = await launchBrowser();
    const watch = await openWatchPage(browser, gateway.baseUrl, buildMagnet(torrent, [seeder]));
    await watch.waitForTime(0.5, START_TIMEOUT_MS);
    const names = (await place.podsOf()).map(({ metadata }) => metadata?.name ?? '');
    expect(names.filter((name) => name.startsWith('dl-'))).toEqual([`dl-${torrent.infoHash}`]);
    expect(names.filter((name) => /^tc-[a-z2-7]{20}-0-0$/.test(name)).length).toBeGreaterThanOrEqual(2);

    const ended = await watch.waitForTime(SECONDS + 1, PLAY_TIMEOUT_MS);
    expect(ended).toMatchObject({ hasEnded: true, error: null });
    expect(judgeFrames(await watch.takeFrames(), clip)).toEqual([]);
    expect(watch.faults).toEqual({ errors: [], failedResponses: [], strayRequests: [] });
    for (const pod of await place.podsOf()) expect(pod.status?.containerStatuses?.[0]?.restartCount ?? 0).toBe(0);
  }
  await waitFor(async () => (await place.podsOf()).length === 0, { what: 'the pods are gone', timeoutMs: GONE_TIMEOUT_MS });
});

test('with one segment a run, every fragment of a film is made by a pod of its own', async () => {
  const clip = await makeClip({ durationSeconds: SECONDS, name: 'film' });
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name });
  await using seeder = await startSeeder({ client: 'libtorrent', torrent, address: HOST_ADDRESS });
  await using place = await makeClusterPlace();
  await using gateway = await startClusterGateway(place, { LODESTREAM_RUN_SEGMENTS: '1' });
  await post(gateway.baseUrl, buildMagnet(torrent, [seeder]));

  const multivariant = await readMultivariantPlaylist(`${gateway.baseUrl}${apiPaths.multivariantPlaylist(torrent.infoHash, 0)}`);
  const video = await checkRendition(multivariant.variants.at(-1)?.url ?? '', { segmentIndexes: [0, 1, 2] });
  const audio = await checkRendition(multivariant.audio[0]?.url ?? '', { segmentIndexes: [0, 1, 2] });
  expect(await decodeFrameNumbers(video)).toEqual(Array.from({ length: clip.frameCount }, (_, n) => n));
  expect((await decodeTones(audio, 0)).slice(0, SECONDS)).toEqual(Array.from({ length: SECONDS }, (_, second) => second % 10));
  const starts = (await place.podsOf()).flatMap(({ metadata }) => /^tc-.*-(\d+)-0$/.exec(metadata?.name ?? '')?.[1] ?? []);
  expect(starts.sort()).toEqual(['0', '0', '1', '1', '2', '2']);
});
