import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerSpec } from '@lodestream/shared';
import { pickFreePort, readProcess, startProcess, waitFor } from '@lodestream/testing';
import { describe, expect, it } from 'vitest';
import { DOWNLOADER_HEAP_MIB } from '../src/workloads/local/child-command.ts';
import { memoryLimitBytes } from '../src/workloads/local/process-memory.ts';
import { findProcess } from '../src/workloads/local/process-table.ts';
import { createWorkloadFolder } from '../src/workloads/local/workload-folder.ts';
import {
  describeOrchestrator,
  downloaderSpec,
  LOCAL_TRAITS,
  QUICK_LADDER,
  READY_TIMEOUT_MS,
  readStatus,
  runSpec,
} from './describe-orchestrator.ts';
import { type LocalPlace, makeLocalPlace } from './local-place.ts';

describeOrchestrator('local', makeLocalPlace, LOCAL_TRAITS);

const CRASHING_GATEWAY = fileURLToPath(new URL('./crashing-gateway.ts', import.meta.url));
const whenReady = () => AbortSignal.timeout(READY_TIMEOUT_MS);
const isAlive = (pid: number) => findProcess(pid) !== undefined;

describe.concurrent('workloads as child processes', () => {
  /** A gateway of its own process that has these workloads, until it is killed. */
  async function crashedGateway(place: LocalPlace, specs: WorkerSpec[]): Promise<void> {
    const specFile = join(place.dataDir, 'specs.json');
    await writeFile(specFile, JSON.stringify(specs));
    const ready = Promise.withResolvers<void>();
    await using gateway = startProcess(
      process.execPath,
      ['--no-warnings', CRASHING_GATEWAY, place.dataDir, specFile, `${await pickFreePort()}`],
      {
        onLine: (line) => line === 'ready' && ready.resolve(),
      },
    );
    await Promise.race([ready.promise, gateway.exited.then(() => Promise.reject(new Error(gateway.tail())))]);
    gateway.child.kill('SIGKILL');
    await gateway.exited;
  }

  it('starts a killed downloader on the port that it had: those who read from it find it again', async () => {
    await using place = await makeLocalPlace();
    const { orchestrator } = await place.open();
    const spec = downloaderSpec();
    orchestrator.ensure(spec);
    const { address, uid } = await orchestrator.whenReady(spec.name, whenReady());
    process.kill((await place.recordOf(spec.name)).pid, 'SIGKILL');
    await waitFor(() => orchestrator.get(spec.name)?.uid !== uid, { what: 'the crash is seen', timeoutMs: 5000 });
    expect((await orchestrator.whenReady(spec.name, whenReady())).address).toEqual(address);
    expect(await readStatus(orchestrator, spec.name)).toMatchObject({ kind: 'downloader' });
  });

  it('kills a worker that is silent for 10 s, and starts it again', async () => {
    await using place = await makeLocalPlace();
    const { orchestrator } = await place.open();
    const spec = downloaderSpec();
    orchestrator.ensure(spec);
    await orchestrator.whenReady(spec.name, whenReady());
    const { pid } = await place.recordOf(spec.name);
    process.kill(pid, 'SIGSTOP');
    const stoppedAt = performance.now();
    await waitFor(() => !isAlive(pid), { what: 'the silent worker is killed', timeoutMs: 20_000 });
    const silentMs = performance.now() - stoppedAt;
    expect(silentMs).toBeGreaterThan(7000);
    expect(silentMs).toBeLessThan(16_000);
    await waitFor(() => orchestrator.get(spec.name)?.phase !== 'ready', { what: 'its end is seen', timeoutMs: 5000 });
    await orchestrator.whenReady(spec.name, whenReady());
    expect(await readStatus(orchestrator, spec.name)).toMatchObject({ kind: 'downloader' });
  });

  it('kills a worker that has more memory than it may, and starts it again', async () => {
    await using place = await makeLocalPlace();
    const MIB = 1024 * 1024;
    let limitBytes: number | undefined;
    const { orchestrator } = await place.open(QUICK_LADDER, () => limitBytes);
    const spec = downloaderSpec();
    orchestrator.ensure(spec);
    const { uid } = await orchestrator.whenReady(spec.name, whenReady());
    const { pid } = await place.recordOf(spec.name);
    limitBytes = 20 * MIB;
    await waitFor(() => !isAlive(pid), { what: 'the large worker is killed', timeoutMs: 5000 });
    await waitFor(() => orchestrator.get(spec.name)?.uid !== uid, { what: 'its end is seen', timeoutMs: 5000 });
    limitBytes = memoryLimitBytes('downloader');
    expect(limitBytes).toBeGreaterThan(DOWNLOADER_HEAP_MIB * MIB);
    await orchestrator.whenReady(spec.name, whenReady());
    expect(await readStatus(orchestrator, spec.name)).toMatchObject({ kind: 'downloader' });
  });

  it('is what the kernel should end before the gateway when memory is short', async () => {
    await using place = await makeLocalPlace();
    const { orchestrator } = await place.open();
    const spec = downloaderSpec();
    orchestrator.ensure(spec);
    await orchestrator.whenReady(spec.name, whenReady());
    const score = (pid: number | 'self') => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));
    expect(score((await place.recordOf(spec.name)).pid)).toBeGreaterThan(score('self'));
  });

  it('takes no late word of a dead process for the next one', async () => {
    await using place = await makeLocalPlace();
    const { orchestrator } = await place.open({ ...QUICK_LADDER, delaysMs: [1000] });
    const spec = downloaderSpec();
    orchestrator.ensure(spec);
    const { address } = await orchestrator.whenReady(spec.name, whenReady());
    await place.kill(spec.name);
    await waitFor(() => orchestrator.get(spec.name)?.phase === 'restarting', { what: 'the crash is seen', timeoutMs: 5000 });
    const call = { name: spec.name, address: address.host, port: address.port };
    expect(orchestrator.callHome(call, orchestrator.tokenOf(spec.name), '127.0.0.1')).toBe(false);
    expect(orchestrator.get(spec.name)?.phase).toBe('restarting');
    await orchestrator.whenReady(spec.name, whenReady());
    expect(await place.instancesOf(spec.name)).toHaveLength(1);
  });

  it('keeps what a downloader has on disk through a crash, and its secrets from others', async () => {
    await using place = await makeLocalPlace();
    const { orchestrator } = await place.open();
    const spec = downloaderSpec();
    orchestrator.ensure(spec);
    await orchestrator.whenReady(spec.name, whenReady());
    const kept = join(place.workDirOf(spec.name), 'kept');
    await writeFile(kept, 'pieces');
    const { pid } = await place.recordOf(spec.name);
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    expect(commandLine).not.toContain(orchestrator.tokenOf(spec.name));
    process.kill(pid, 'SIGKILL');
    await waitFor(() => orchestrator.get(spec.name)?.phase === 'restarting' || !isAlive(pid), {
      what: 'the crash is seen',
      timeoutMs: 5000,
    });
    await orchestrator.whenReady(spec.name, whenReady());
    expect(existsSync(kept)).toBe(true);
  });

  it('adopts the downloaders of a gateway that crashed, with their ports and tokens', async () => {
    await using place = await makeLocalPlace();
    const spec = downloaderSpec();
    await crashedGateway(place, [spec]);
    const before = await place.recordOf(spec.name);
    expect(isAlive(before.pid)).toBe(true);
    const { orchestrator } = await place.open();
    const adopted = orchestrator.get(spec.name);
    expect(adopted).toMatchObject({
      phase: 'ready',
      uid: before.uid,
      address: { port: before.port },
      spec: { infoHash: spec.infoHash },
    });
    expect(orchestrator.ensure(spec)).toBe(adopted);
    expect(await readStatus(orchestrator, spec.name)).toMatchObject({ kind: 'downloader', infoHash: spec.infoHash });
    expect(await place.instancesOf(spec.name)).toEqual([`${before.pid}`]);
    // It is nobody's child here: its end is seen by looking, and it comes back as any other.
    process.kill(before.pid, 'SIGKILL');
    await waitFor(() => orchestrator.get(spec.name)?.phase !== 'ready', { what: 'its end is seen', timeoutMs: 10_000 });
    expect((await orchestrator.whenReady(spec.name, whenReady())).address.port).toBe(before.port);
    await orchestrator[Symbol.asyncDispose]();
    expect(await place.leftovers()).toEqual([]);
  });

  it('ends the transcoders of a gateway that crashed', async () => {
    await using place = await makeLocalPlace();
    const spec = runSpec();
    await crashedGateway(place, [spec]);
    await waitFor(async () => (await place.instancesOf(spec.name)).length === 0, {
      what: 'it died with its gateway',
      timeoutMs: 5000,
    });
    const { orchestrator } = await place.open();
    expect(orchestrator.list()).toEqual([]);
    expect(await place.leftovers()).toEqual([]);
  });

  it('kills a transcoder that outlived its gateway, also a stopped one, and what lies around', async () => {
    await using place = await makeLocalPlace();
    const spec = runSpec();
    const folder = createWorkloadFolder(join(place.dataDir, 'workloads'), spec);
    const orphan = spawn('sleep', ['600'], { detached: true, stdio: 'ignore', env: { PATH: process.env['PATH'] } });
    const exited = once(orphan, 'exit');
    const target = findProcess(orphan.pid ?? 0);
    folder.writeRecord({
      pid: target?.pid ?? 0,
      startTicks: target?.startTicks ?? '',
      name: spec.name,
      uid: 'u',
      port: 4000,
      startedAt: 0,
    });
    orphan.kill('SIGSTOP');
    await mkdir(join(place.dataDir, 'workloads', 'dl-without-a-record'), { recursive: true });
    const { orchestrator } = await place.open();
    expect(orchestrator.list()).toEqual([]);
    expect((await exited)[1]).toBe('SIGKILL');
    expect(await place.leftovers()).toEqual([]);
  });

  it('touches no stranger who has the pid of a worker that is long gone', async () => {
    await using place = await makeLocalPlace();
    const spec = downloaderSpec();
    const folder = createWorkloadFolder(join(place.dataDir, 'workloads'), spec);
    const stranger = startProcess('sleep', ['600']);
    try {
      folder.writeRecord({ pid: stranger.pid, startTicks: '1', name: spec.name, uid: 'u', port: 4000, startedAt: 0 });
      const { orchestrator } = await place.open();
      expect(orchestrator.list()).toEqual([]);
      expect(await place.leftovers()).toEqual([]);
      expect(readProcess(stranger.pid)?.state).not.toBe('Z');
    } finally {
      await stranger.stop();
    }
  });
});
