/** A gateway's workloads and nothing else, for a test that kills it: `node crashing-gateway.ts <dataDir> <specFile>`. */
import { readFileSync } from 'node:fs';
import { createLogger } from '@lodestream/service-kit';
import { WorkerSpec } from '@lodestream/shared';
import { z } from 'zod';
import { createMetrics } from '../src/metrics.ts';
import { buildInternalApp } from '../src/routes/internal.ts';
import { openDeploymentKey } from '../src/workloads/local/deployment-key.ts';
import { createLocalOrchestrator } from '../src/workloads/local/local-orchestrator.ts';

const [dataDir = '', specFile = '', port = ''] = process.argv.slice(2);
const logger = createLogger('crashing-gateway', 'fatal');
const orchestrator = createLocalOrchestrator({
  dataDir,
  key: openDeploymentKey(dataDir),
  callHomeUrl: `http://127.0.0.1:${port}`,
  logger,
  logLevel: 'warn',
});
const metrics = createMetrics({ workloads: () => [], runs: () => ({ asleep: 0, awake: 0 }), cacheBytes: () => 0 });
await buildInternalApp(orchestrator, metrics, logger).listen({ host: '127.0.0.1', port: Number(port) });
const specs = z.array(WorkerSpec).parse(JSON.parse(readFileSync(specFile, 'utf8')));
for (const spec of specs) orchestrator.ensure(spec);
for (const spec of specs) await orchestrator.whenReady(spec.name, AbortSignal.timeout(20_000));
process.stdout.write('ready\n');
