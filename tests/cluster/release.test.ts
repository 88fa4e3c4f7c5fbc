import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@lodestream/testing';
import { describe, expect, test } from 'vitest';
import { render, SCENARIOS } from '../chart/support/render.ts';
import { command, installRelease } from './support/release.ts';

/** Objects of what a cluster may have besides Kubernetes itself; this one has not, and cannot judge them. */
const ADD_ONS = /^(monitoring\.coreos\.com|gateway\.networking\.k8s\.io)\//;
const INFO_HASH = 'd'.repeat(40);
const GONE_TIMEOUT_MS = 60_000;

test.each(SCENARIOS)('the API server accepts every object of the scenario $name', async ({ file }) => {
  const namespaces = new Set<string>();
  const manifests = render('--values', file).filter(({ apiVersion }) => !ADD_ONS.test(apiVersion));
  for (const { metadata } of manifests) namespaces.add(metadata.namespace);
  const dir = await mkdtemp(join(tmpdir(), 'lodestream-manifests-'));
  // A dry run needs the namespaces themselves.
  const missing = (await Promise.all([...namespaces].map(isMissing))).filter((name) => name !== undefined);
  try {
    for (const name of missing) await command('kubectl', 'create', 'namespace', name);
    const path = join(dir, 'manifests.json');
    await writeFile(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
    const text = await command('kubectl', 'apply', '--dry-run=server', '--filename', path);
    expect(text.trim().split('\n')).toHaveLength(manifests.length);
  } finally {
    for (const name of missing) await command('kubectl', 'delete', 'namespace', name, '--timeout=60s');
    await rm(dir, { recursive: true, force: true });
  }
});

describe('an installed release', () => {
  test('lets its gateway do what it must, and nothing else', async () => {
    await using release = await installRelease(...CLOSED);
    const user = `system:serviceaccount:${release.namespace}:films-lodestream`;
    const can = async (...what: string[]) =>
      (await release.kubectl('auth', 'can-i', ...what, '--as', user).catch((error) => String(error.stdout))).trim() === 'yes';
    const may = [
      ['get', 'pods'],
      ['list', 'pods'],
      ['watch', 'pods'],
      ['create', 'pods'],
      ['delete', 'pods'],
    ];
    const mayNot = [
      ['patch', 'pods'],
      ['update', 'pods'],
      ['deletecollection', 'pods'],
      ['create', 'pods', '--subresource=exec'],
      ['get', 'pods', '--subresource=log'],
      ['get', 'secrets'],
      ['list', 'configmaps'],
      ['get', 'nodes'],
      ['create', 'deployments.apps'],
      ['create', 'rolebindings.rbac.authorization.k8s.io'],
      ['list', 'pods', '--all-namespaces'],
    ];
    for (const what of [...may, ['patch', 'pods', '--subresource=resize'], ['get', 'configmaps/films-lodestream-owner']])
      expect(await can(...what), what.join(' ')).toBe(true);
    for (const what of mayNot) expect(await can(...what), what.join(' ')).toBe(false);
    const workloads = `system:serviceaccount:${release.namespace}:films-lodestream-workloads`;
    for (const what of [...may, ['get', 'configmaps']])
      expect(await release.kubectl('auth', 'can-i', ...what, '--as', workloads).catch(() => 'no'), what.join(' ')).toContain(
        'no',
      );
  });

  test('keeps its pods through an upgrade of the gateway', async () => {
    await using release = await installRelease(...CLOSED);
    const pod = `dl-${INFO_HASH}`;
    {
      await using forwarding = await release.forward();
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ infoHash: INFO_HASH });
      await fetch(`${forwarding.baseUrl}/api/v1/torrents`, { method: 'POST', headers, body });
      await waitFor(async () => (await release.kubectl('get', 'pod', pod, '--output=jsonpath={.status.phase}')) === 'Running', {
        what: 'the downloader runs',
        timeoutMs: GONE_TIMEOUT_MS,
      });
    }
    const uidOf = () => release.kubectl('get', 'pod', pod, '--output=jsonpath={.metadata.uid}');
    const before = await uidOf();
    await release.helm('upgrade', 'films', ...release.chartArgs, '--set=logLevel=debug', '--wait', '--timeout', '150s');
    expect(await uidOf()).toBe(before);
    await using forwarding = await release.forward();
    const torrent = await fetch(`${forwarding.baseUrl}/api/v1/torrents/${INFO_HASH}`);
    expect(await torrent.json()).toMatchObject({ infoHash: INFO_HASH, status: 'resolving' });
  });
});

/** No packet leaves this machine. */
const CLOSED = ['--set=torrents.dht=false', '--set-json=torrents.dhtBootstrap=[]', '--set-json=torrents.trackers=[]'];

async function isMissing(name: string): Promise<string | undefined> {
  return await command('kubectl', 'get', 'namespace', name).then(
    () => undefined,
    () => name,
  );
}
