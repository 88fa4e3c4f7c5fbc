import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DownloaderSpec, InfoHash } from '@lodestream/shared';
import { makeTempDir, processesWithEnvironment, startGateway, waitFor } from '@lodestream/testing';
import { expect, test } from 'vitest';
import { buildChildCommand } from '../src/workloads/local/child-command.ts';
import type { ChildExit } from '../src/workloads/local/child-process.ts';
import { killProcess } from '../src/workloads/local/process-table.ts';
import { createStandby } from '../src/workloads/local/standby.ts';
import { createWorkloadFolder } from '../src/workloads/local/workload-folder.ts';

/** Four processes load their code, on a machine that does other things too. */
const TIMEOUT_MS = 30_000;
const PLACE = { execPath: process.execPath, path: process.env.PATH ?? '' };

const waiting = (root: string) =>
  processesWithEnvironment('LODESTREAM_WORK_DIR', join(root, 'standby-')).map(({ pid, command }) => ({
    pid,
    program: /(downloader|transcoder)\/src\/main/.exec(command)?.[1],
  }));
const infoHash = () => InfoHash.parse(randomBytes(20).toString('hex'));

test('while somebody is here a downloader and three transcoders wait; without a visit they go, and nothing is left', async () => {
  await using dir = await makeTempDir('standby');
  using standby = createStandby({ ...PLACE, root: dir.path, ttlSeconds: 3 });
  expect(waiting(dir.path)).toEqual([]);
  standby.expect();
  await waitFor(() => waiting(dir.path).length >= 4, { what: 'four processes wait', timeoutMs: TIMEOUT_MS });
  expect(
    waiting(dir.path)
      .map(({ program }) => program)
      .sort(),
  ).toEqual(['downloader', 'transcoder', 'transcoder', 'transcoder']);
  await waitFor(() => waiting(dir.path).length === 0, { what: 'they have gone', timeoutMs: TIMEOUT_MS });
  expect(await readdir(dir.path)).toEqual([]);
});

test('a job is given to a process that waits, which then is a worker like any other', async () => {
  await using dir = await makeTempDir('standby');
  using standby = createStandby({ ...PLACE, root: dir.path, ttlSeconds: 300 });
  const hash = infoHash();
  const spec = DownloaderSpec.parse({
    kind: 'downloader',
    name: 'dl-standby',
    ttlSeconds: 300,
    infoHash: hash,
    source: { infoHash: hash, displayName: 'nobody has it', trackers: [], peers: [] },
    diskBudgetBytes: 10_000_000,
    network: { dht: false, dhtBootstrap: [], trackers: [], allowedPrivateNetworks: ['127.0.0.0/8'], uploadBytesPerSecond: 0 },
  });
  const folder = createWorkloadFolder(dir.path, spec);
  const place = { ...folder, token: 'x'.repeat(64), callHomeUrl: 'http://127.0.0.1:9', port: 0, logLevel: 'info' };
  const command = buildChildCommand(spec, place, PLACE.execPath, PLACE.path);
  const exited = Promise.withResolvers<ChildExit>();
  expect(standby.begin('downloader', command, folder.logFile, exited.resolve)).toBeUndefined();

  standby.expect();
  const spare = await waitFor(() => waiting(dir.path).find(({ program }) => program === 'downloader'), {
    what: 'a downloader waits',
    timeoutMs: TIMEOUT_MS,
  });
  const started = standby.begin('downloader', command, folder.logFile, exited.resolve);
  expect(started?.pid).toBe(spare.pid);
  await waitFor(async () => (await readFile(folder.logFile, 'utf8')).includes('Server listening'), {
    what: 'it serves',
    timeoutMs: TIMEOUT_MS,
  });
  if (started) killProcess(started);
  expect(await exited.promise).toEqual({ code: null, signal: 'SIGKILL' });
});

test('what waits does not outlive a gateway that crashes', async () => {
  await using gateway = await startGateway();
  await fetch(`${gateway.baseUrl}/api/v1/torrents`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ infoHash: infoHash() }),
  });
  const root = join(gateway.dataDir, 'workloads');
  await waitFor(() => waiting(root).length >= 4, { what: 'four processes wait', timeoutMs: TIMEOUT_MS });
  await gateway.crash();
  await waitFor(() => waiting(root).length === 0, { what: 'they have gone', timeoutMs: TIMEOUT_MS });
});
