import {
  buildMagnet,
  createTorrent,
  judgeFrames,
  launchBrowser,
  makeClip,
  openWatchPage,
  startSeeder,
  waitFor,
} from '@lodestream/testing';
import { expect, test } from 'vitest';
import { HOST_ADDRESS } from '../../services/gateway/test/cluster-place.ts';
import { installRelease } from './support/release.ts';
import { CLOSED_NETWORK } from './support/watched-film.ts';

const SECONDS = 25;
const START_TIMEOUT_MS = 90_000;
const PLAY_TIMEOUT_MS = 180_000;
const TTL_SECONDS = 15;
const GONE_TIMEOUT_MS = 60_000;

test('the chart as it is shipped plays a film to a browser, and leaves nothing when it is uninstalled', async () => {
  const clip = await makeClip({ durationSeconds: SECONDS, name: 'film' });
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name });
  await using seeder = await startSeeder({ client: 'transmission', torrent, address: HOST_ADDRESS });
  await using release = await installRelease(...CLOSED_NETWORK, `--set=cacheTtlSeconds=${TTL_SECONDS}`);
  await release.check();
  {
    await using forwarding = await release.forward();
    await using browser = await launchBrowser();
    const watch = await openWatchPage(browser, forwarding.baseUrl, buildMagnet(torrent, [seeder]));
    await watch.waitForTime(0.5, START_TIMEOUT_MS);
    const names = await release.pods();
    expect(names).toContain(`dl-${torrent.infoHash}`);
    expect(names.filter((name) => /^tc-[a-z2-7]{20}-0-0$/.test(name)).length).toBeGreaterThanOrEqual(2);
    const ended = await watch.waitForTime(SECONDS + 1, PLAY_TIMEOUT_MS);
    expect(ended).toMatchObject({ hasEnded: true, error: null });
    expect(judgeFrames(await watch.takeFrames(), clip)).toEqual([]);
  }
  const isWorkload = (name: string) => /^(dl|tc|pr)-/.test(name);
  await waitFor(async () => !(await release.pods()).some(isWorkload), { what: 'its pods are gone', timeoutMs: GONE_TIMEOUT_MS });
  await release.helm('uninstall', 'films', '--wait', '--timeout', '60s');
  const kinds = 'pods,services,deployments,configmaps,secrets,roles,rolebindings,serviceaccounts,networkpolicies';
  // Kubernetes' own, in every namespace.
  const before = ['configmap/kube-root-ca.crt', 'serviceaccount/default'];
  const left = async () => (await release.kubectl('get', kinds, '--output=name')).split('\n').filter(Boolean);
  // Helm waits for its objects; the pods of its Deployments end a moment after them.
  await waitFor(async () => (await left()).length <= before.length, {
    what: 'nothing of the release is left',
    timeoutMs: GONE_TIMEOUT_MS,
  });
  expect(await left()).toEqual(before);
});
