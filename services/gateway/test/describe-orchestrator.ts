import { randomBytes } from 'node:crypto';
import { createLogger } from '@lodestream/service-kit';
import { buildVideoTimeline, DownloaderSpec, InfoHash, RunSpec } from '@lodestream/shared';
import { waitFor } from '@lodestream/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { CrashLadder } from '../src/workloads/crash-ladder.ts';
import type { Orchestrator } from '../src/workloads/orchestrator.ts';
import { createWorkerClient } from '../src/workloads/worker-client.ts';
import type { WorkloadPhase } from '../src/workloads/workload.ts';
import { downloaderName, runName } from '../src/workloads/workload-name.ts';

/** A place where workloads run: a data directory of this machine, or a namespace of a cluster. */
export type OrchestratorPlace = AsyncDisposable & {
  /** A gateway opens its driver; whoever opens the second one has been restarted. */
  open(ladder?: CrashLadder): Promise<DriverUnderTest>;
  /** What exists of a workload now: process ids, pods. */
  instancesOf(name: string): Promise<string[]>;
  /** A crash of the worker that nobody announces. */
  kill(name: string): Promise<void>;
  /** Files, objects, processes: all that is there, of any workload. */
  leftovers(): Promise<string[]>;
};
export type DriverUnderTest = { orchestrator: Orchestrator; callHomeUrl: string };

export const logger = createLogger('test', 'fatal');
/** A worker loads its program, calls home and answers; on a machine that does other things too. */
export const READY_TIMEOUT_MS = 20_000;
const GONE_TIMEOUT_MS = 5000;
/** The delays of the real ladder would be most of the test's time. */
export const QUICK_LADDER: CrashLadder = { delaysMs: [0, 100, 200], windowMs: 600_000, keepErrorMs: 1500, steadyMs: 60_000 };

/** A magnet that nobody answers: its downloader is alive and has nothing to do. */
export function downloaderSpec(change: Partial<DownloaderSpec> = {}): DownloaderSpec {
  const infoHash = InfoHash.parse(randomBytes(20).toString('hex'));
  return DownloaderSpec.parse({
    kind: 'downloader',
    name: downloaderName(infoHash),
    ttlSeconds: 300,
    infoHash,
    source: { infoHash, displayName: 'nobody has it', trackers: [], peers: [] },
    diskBudgetBytes: 10_000_000,
    network: { dht: false, dhtBootstrap: [], trackers: [], allowedPrivateNetworks: ['127.0.0.0/8'], uploadBytesPerSecond: 0 },
    ...change,
  });
}

/** A run whose source is not there: it waits for bytes. */
export function runSpec(): RunSpec {
  const infoHash = InfoHash.parse(randomBytes(20).toString('hex'));
  return RunSpec.parse({
    kind: 'run',
    name: runName(infoHash, 0, 'v360-00000000', 0, 0),
    ttlSeconds: 300,
    infoHash,
    fileIndex: 0,
    source: { url: 'http://127.0.0.1:9/files/0', token: 'x'.repeat(64) },
    lengthBytes: 1_000_000,
    container: 'matroska',
    isIndexed: true,
    rendition: {
      kind: 'video',
      id: 'v360-00000000',
      mode: 'encode',
      streamIndex: 0,
      codecs: 'avc1.64001E',
      bandwidthBitsPerSecond: 1_400_000,
      frameRate: { num: 24, den: 1 },
      encoding: {
        width: 640,
        height: 360,
        level: 30,
        crf: 22,
        maxBitrateBitsPerSecond: 1_400_000,
        preset: 'veryfast',
        isInterlaced: false,
        rotationDegrees: 0,
      },
      timeline: buildVideoTimeline({ num: 24, den: 1 }, 2400),
    },
    startSegment: 0,
    until: null,
    ffmpegThreads: 1,
  });
}

export async function readStatus(orchestrator: Orchestrator, name: string, timeoutMs = 5000) {
  using client = createWorkerClient((asked) => orchestrator.tokenOf(asked));
  const signal = AbortSignal.timeout(timeoutMs);
  const workload = await orchestrator.whenReady(name, signal);
  return await client.json(workload, { path: '/status', signal }, z.looseObject({ kind: z.string() }));
}

/** The suite of every driver (workloads/orchestrator.ts): what the code above the interface relies on. */
export function describeOrchestrator(driver: string, makePlace: () => Promise<OrchestratorPlace>): void {
  describe.concurrent(`the ${driver} orchestrator`, () => {
    const ready = (orchestrator: Orchestrator, name: string) =>
      orchestrator.whenReady(name, AbortSignal.timeout(READY_TIMEOUT_MS));
    const phaseIs = (orchestrator: Orchestrator, name: string, phase: WorkloadPhase | undefined) =>
      waitFor(() => orchestrator.get(name)?.phase === phase, { what: `${name} is ${phase}`, timeoutMs: READY_TIMEOUT_MS });

    it('makes one workload of a hundred concurrent asks, and leaves a live one as it is', async () => {
      await using place = await makePlace();
      const { orchestrator } = await place.open();
      const spec = downloaderSpec();
      const asked = await Promise.all(
        Array.from({ length: 100 }, async () => {
          await Promise.resolve();
          const workload = orchestrator.ensure(spec);
          return { uid: workload.uid, ready: await ready(orchestrator, spec.name) };
        }),
      );
      expect(new Set(asked.map(({ uid }) => uid)).size).toBe(1);
      expect(new Set(asked.map(({ ready: { address } }) => `${address.host}:${address.port}`)).size).toBe(1);
      expect(await place.instancesOf(spec.name)).toHaveLength(1);
      expect(orchestrator.ensure(spec)).toBe(orchestrator.get(spec.name));
      expect(orchestrator.list().map(({ name }) => name)).toEqual([spec.name]);
      expect(await readStatus(orchestrator, spec.name)).toMatchObject({ kind: 'downloader', infoHash: spec.infoHash });
    });

    it('gives a worker a token of its own: nobody else is answered, and nothing is said', async () => {
      await using place = await makePlace();
      const { orchestrator } = await place.open();
      const spec = downloaderSpec();
      orchestrator.ensure(spec);
      const { address } = await ready(orchestrator, spec.name);
      const statusUrl = `http://${address.host}:${address.port}/status`;
      for (const headers of [{}, { authorization: `Bearer ${orchestrator.tokenOf('dl-other')}` }, { authorization: 'Bearer ' }]) {
        const response = await fetch(statusUrl, { headers, signal: AbortSignal.timeout(5000) });
        expect(response.status).toBe(404);
        expect(await response.text()).not.toContain(spec.infoHash);
      }
    });

    it('lets no one call home for another', async () => {
      await using place = await makePlace();
      const { orchestrator, callHomeUrl } = await place.open();
      const spec = downloaderSpec();
      const other = downloaderSpec();
      orchestrator.ensure(spec);
      const { address } = await ready(orchestrator, spec.name);
      const call = { name: spec.name, address: '127.0.0.1', port: 9 };
      for (const token of ['', 'wrong', orchestrator.tokenOf(other.name), orchestrator.tokenOf(spec.name).slice(1)]) {
        expect(orchestrator.callHome(call, token)).toBe(false);
        const response = await fetch(`${callHomeUrl}/call-home`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
          body: JSON.stringify(call),
          signal: AbortSignal.timeout(5000),
        });
        expect(response.status).toBe(404);
      }
      expect(orchestrator.callHome({ ...call, name: other.name }, orchestrator.tokenOf(other.name))).toBe(false);
      expect(orchestrator.get(spec.name)?.address).toEqual(address);
    });

    it('starts a downloader again that was killed, and tells whoever watches', async () => {
      await using place = await makePlace();
      const { orchestrator } = await place.open();
      const spec = downloaderSpec();
      const phases: WorkloadPhase[] = [];
      const stop = orchestrator.watch((workload) => workload.name === spec.name && phases.push(workload.phase));
      orchestrator.ensure(spec);
      await ready(orchestrator, spec.name);
      const before = await place.instancesOf(spec.name);
      await place.kill(spec.name);
      await waitFor(() => phases.includes('restarting'), { what: 'the crash is seen', timeoutMs: GONE_TIMEOUT_MS });
      await ready(orchestrator, spec.name);
      expect(await readStatus(orchestrator, spec.name)).toMatchObject({ kind: 'downloader' });
      const after = await place.instancesOf(spec.name);
      expect(after).toHaveLength(1);
      expect(after).not.toEqual(before);
      expect(phases.filter((phase) => phase === 'ready')).toHaveLength(2);
      expect(phases).toContain('restarting');
      stop();
      const { length } = phases;
      await orchestrator.remove(spec.name, orchestrator.get(spec.name)?.uid ?? '');
      expect(phases).toHaveLength(length);
    });

    it('gives up on one that crashes too often, keeps the error for a while, then starts anew', async () => {
      await using place = await makePlace();
      const { orchestrator } = await place.open(QUICK_LADDER);
      const spec = downloaderSpec();
      orchestrator.ensure(spec);
      let crashes = 0;
      while (orchestrator.get(spec.name)?.phase !== 'failed') {
        await waitFor(
          async () => orchestrator.get(spec.name)?.phase === 'failed' || (await place.instancesOf(spec.name)).length > 0,
          { what: 'it runs, or has failed', timeoutMs: READY_TIMEOUT_MS },
        );
        if (orchestrator.get(spec.name)?.phase === 'failed') break;
        const before = orchestrator.get(spec.name)?.uid;
        await place.kill(spec.name);
        crashes++;
        expect(crashes).toBeLessThanOrEqual(QUICK_LADDER.delaysMs.length + 1);
        // A crash that is seen gives the next start another uid: the same process is never counted twice.
        await waitFor(() => orchestrator.get(spec.name)?.uid !== before || orchestrator.get(spec.name)?.phase === 'failed', {
          what: 'the crash is seen',
          timeoutMs: GONE_TIMEOUT_MS,
        });
      }
      expect(crashes).toBe(QUICK_LADDER.delaysMs.length + 1);
      const failed = orchestrator.ensure(spec);
      expect(failed).toMatchObject({ phase: 'failed', problem: { code: 'workload-failed', status: 503 } });
      await expect(ready(orchestrator, spec.name)).rejects.toMatchObject({ code: 'workload-failed' });
      expect(await place.instancesOf(spec.name)).toEqual([]);
      await phaseIs(orchestrator, spec.name, undefined);
      expect(orchestrator.ensure(spec).uid).not.toBe(failed.uid);
      await ready(orchestrator, spec.name);
    });

    it('does not start a run again by itself, but when it is asked for', async () => {
      await using place = await makePlace();
      const { orchestrator } = await place.open(QUICK_LADDER);
      const spec = runSpec();
      const { uid } = orchestrator.ensure(spec);
      await ready(orchestrator, spec.name);
      await place.kill(spec.name);
      await phaseIs(orchestrator, spec.name, 'ended');
      await expect(ready(orchestrator, spec.name)).rejects.toMatchObject({ code: 'workload-failed' });
      expect(orchestrator.list()).toEqual([]);
      expect(orchestrator.ensure(spec).uid).not.toBe(uid);
      await ready(orchestrator, spec.name);
      expect(await place.instancesOf(spec.name)).toHaveLength(1);
    });

    it('waits for a worker no longer than the signal allows', async () => {
      await using place = await makePlace();
      const { orchestrator } = await place.open();
      const spec = downloaderSpec();
      orchestrator.ensure(spec);
      await expect(orchestrator.whenReady(spec.name, AbortSignal.timeout(1))).rejects.toMatchObject({ name: 'TimeoutError' });
      await expect(orchestrator.whenReady('dl-unknown', AbortSignal.timeout(5000))).rejects.toMatchObject({
        code: 'workload-failed',
      });
      await ready(orchestrator, spec.name);
    });

    it('removes what it is told to, if it is still that one, and all that belongs to it', async () => {
      await using place = await makePlace();
      const { orchestrator } = await place.open();
      const spec = downloaderSpec();
      const stays = downloaderSpec();
      const { uid } = orchestrator.ensure(spec);
      orchestrator.ensure(stays);
      await Promise.all([ready(orchestrator, spec.name), ready(orchestrator, stays.name)]);
      await orchestrator.remove(spec.name, 'the uid of an earlier one');
      expect(orchestrator.get(spec.name)?.uid).toBe(uid);
      await orchestrator.remove(spec.name, uid);
      expect(orchestrator.get(spec.name)).toBeUndefined();
      await waitFor(async () => (await place.leftovers()).every((left) => !left.includes(spec.name)), {
        what: 'nothing of it is left',
        timeoutMs: GONE_TIMEOUT_MS,
      });
      expect(await place.instancesOf(stays.name)).toHaveLength(1);
      // The next of that name is another one, and nobody mistakes the end of the first for its own.
      orchestrator.ensure(spec);
      await ready(orchestrator, spec.name);
      expect(orchestrator.get(spec.name)?.uid).not.toBe(uid);
    });

    it('forgets a worker that expired by itself, and does not start it again', async () => {
      await using place = await makePlace();
      const { orchestrator } = await place.open();
      const spec = downloaderSpec({ ttlSeconds: 0.5 });
      orchestrator.ensure(spec);
      await ready(orchestrator, spec.name);
      await phaseIs(orchestrator, spec.name, undefined);
      expect(orchestrator.list()).toEqual([]);
      expect(await place.leftovers()).toEqual([]);
    });

    it('leaves nothing behind when it is disposed, whatever it was doing', async () => {
      await using place = await makePlace();
      const { orchestrator } = await place.open();
      const running = downloaderSpec();
      const starting = [downloaderSpec(), runSpec()];
      orchestrator.ensure(running);
      await ready(orchestrator, running.name);
      for (const spec of starting) orchestrator.ensure(spec);
      await orchestrator[Symbol.asyncDispose]();
      expect(await place.leftovers()).toEqual([]);
      expect(orchestrator.list()).toEqual([]);
    });
  });
}
