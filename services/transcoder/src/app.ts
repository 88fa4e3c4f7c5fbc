import { buildWorkerApp, createLogger, type IdleClock, loadWorkerConfig, runWorker } from '@lodestream/service-kit';
import { ProbeSpec, RunSpec } from '@lodestream/shared';
import { z } from 'zod';
import type { Probe } from './probe/probe.ts';
import { probeRoutes } from './routes/probe.ts';
import { runRoutes } from './routes/run.ts';
import { segmentRoutes } from './routes/segments.ts';
import type { Run } from './run/run.ts';

export type Job = { kind: 'run'; run: Run } | { kind: 'probe'; probe: Probe };

const Spec = z.discriminatedUnion('kind', [ProbeSpec, RunSpec]);

/** The HTTP face of a job that has been started: checks what it was started with, and serves it until it expires. */
export async function serve(job: Job, clock: IdleClock): Promise<void> {
  const config = loadWorkerConfig(Spec);
  const logger = createLogger('transcoder', config.logLevel).child({ workloadName: config.spec.name });
  const app = buildWorkerApp(config.token, logger);
  if (job.kind === 'run') {
    runRoutes(app, job.run);
    segmentRoutes(app, job.run, config.spec.kind === 'run' ? config.spec.rendition.kind : 'video');
    job.run.onEnded((state) => logger.info({ outcome: state.outcome, reason: state.reason }, 'run ended'));
  } else probeRoutes(app, job.probe);
  // The time to live counts from here: on a busy machine loading alone can take seconds.
  clock.touch();
  await runWorker({ app, config, logger, clock, leave: () => (job.kind === 'run' ? job.run.leave() : job.probe.leave()) });
}
