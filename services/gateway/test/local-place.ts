import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempDir, pickFreePort, processesWithEnvironment } from '@lodestream/testing';
import type { FastifyInstance } from 'fastify';
import { createMetrics } from '../src/metrics.ts';
import { buildInternalApp } from '../src/routes/internal.ts';
import type { CrashLadder } from '../src/workloads/crash-ladder.ts';
import { openDeploymentKey } from '../src/workloads/local/deployment-key.ts';
import { createLocalOrchestrator } from '../src/workloads/local/local-orchestrator.ts';
import type { Orchestrator } from '../src/workloads/orchestrator.ts';
import { type DriverUnderTest, logger, type OrchestratorPlace } from './describe-orchestrator.ts';

export type LocalPlace = Omit<OrchestratorPlace, 'open'> & {
  open(ladder?: CrashLadder, memoryLimit?: () => number | undefined): Promise<DriverUnderTest>;
  readonly dataDir: string;
  workDirOf(name: string): string;
  recordOf(name: string): Promise<{ pid: number; port: number; uid: string }>;
};

/** A data directory of its own, and the gateways that open it: real child processes, real call-home over HTTP. */
export async function makeLocalPlace(): Promise<LocalPlace> {
  const dir = await makeTempDir('workloads');
  const dataDir = dir.path;
  const opened: { orchestrator: Orchestrator; internal: FastifyInstance }[] = [];
  const workloads = join(dataDir, 'workloads');
  const workDirOf = (name: string) => join(workloads, name, 'work');
  const instances = (prefix: string) => processesWithEnvironment('LODESTREAM_WORK_DIR', prefix).map(({ pid }) => pid);
  const metrics = createMetrics({ workloads: () => [], runs: () => ({ asleep: 0, awake: 0 }), cacheBytes: () => 0 });
  const recordOf = async (name: string) => JSON.parse(await readFile(join(workloads, name, 'record.json'), 'utf8'));
  return {
    dataDir,
    workDirOf,
    recordOf,
    async open(ladder, memoryLimit) {
      const port = await pickFreePort();
      const callHomeUrl = `http://127.0.0.1:${port}`;
      const key = openDeploymentKey(dataDir);
      const orchestrator = createLocalOrchestrator({
        dataDir,
        key,
        callHomeUrl,
        logger,
        logLevel: 'warn',
        ...(ladder ? { ladder } : {}),
        ...(memoryLimit ? { memoryLimit } : {}),
      });
      const internal = buildInternalApp(orchestrator, metrics, logger);
      await internal.listen({ host: '127.0.0.1', port });
      opened.push({ orchestrator, internal });
      return { orchestrator, callHomeUrl };
    },
    async instancesOf(name) {
      return instances(workDirOf(name)).map(String);
    },
    async kill(name) {
      process.kill((await recordOf(name)).pid, 'SIGKILL');
    },
    async leftovers() {
      const files = await readdir(workloads).catch(() => []);
      const processes = processesWithEnvironment('LODESTREAM_WORK_DIR', join(workloads, '/'));
      return [...files, ...processes.map(({ pid, command }) => `${pid} ${command}`)];
    },
    async [Symbol.asyncDispose]() {
      for (const { orchestrator, internal } of opened) {
        await orchestrator[Symbol.asyncDispose]();
        await internal.close();
      }
      for (const pid of instances(join(workloads, '/'))) process.kill(pid, 'SIGKILL');
      await dir[Symbol.asyncDispose]();
    },
  };
}
