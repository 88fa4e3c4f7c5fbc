import {
  buildMagnet,
  createTorrent,
  judgeFrames,
  launchBrowser,
  makeClip,
  openWatchPage,
  SEEDER_CLIENTS,
  startGateway,
  startSeeder,
  startTracker,
} from '@lodestream/testing';
import { expect, test } from 'vitest';

const SECONDS = 12;
/** transmission unchokes at its ten-second rounds and answers in pulses; others start at once. */
const START_TIMEOUT_MS = 60_000;
const PLAY_TIMEOUT_MS = 60_000;

test.each(SEEDER_CLIENTS)('a film that only %s seeds plays to its end', async (client) => {
  const clip = await makeClip({ durationSeconds: SECONDS, audio: [{ codec: 'ac3' }] });
  await using tracker = await startTracker();
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name, trackers: [tracker.announceUrl] });
  await using seeder = await startSeeder({ client, torrent });
  await using gateway = await startGateway();
  await using browser = await launchBrowser();

  const watch = await openWatchPage(browser, gateway.baseUrl, buildMagnet(torrent, [seeder]));
  await watch.waitForTime(0.5, START_TIMEOUT_MS);
  const ended = await watch.waitForTime(SECONDS + 1, PLAY_TIMEOUT_MS);

  expect(ended).toMatchObject({ hasEnded: true, error: null });
  expect(Math.abs(ended.currentSeconds - clip.durationSeconds)).toBeLessThan(0.1);
  expect(ended.decodedAudioBytes).toBeGreaterThan(0);
  expect(judgeFrames(await watch.takeFrames(), clip)).toEqual([]);
  expect(watch.faults).toEqual({ errors: [], failedResponses: [], strayRequests: [] });
});
