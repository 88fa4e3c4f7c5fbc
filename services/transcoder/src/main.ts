/**
 * One process per job: it probes one source, or executes one run. The job starts first and everything that is not needed
 * for its first part is loaded behind it: a viewer waits for that part, nobody waits for our HTTP server.
 */
import { createIdleClock } from '@lodestream/service-kit/idle-clock';
import { waitForJob } from '@lodestream/service-kit/standby';
import { readSpecUnchecked } from './config.ts';
import type { Job } from './app.ts';

await waitForJob(async () => {
  await import('./run/run.ts');
  await import('./probe/probe.ts');
  await import('./app.ts');
});
const { spec, directory } = readSpecUnchecked();
const clock = createIdleClock();
// A failure to start is told by `GET /status`-less death: the supervisor sees the exit code and the log.
const starting = startJob();
starting.catch(() => {});

const { serve } = await import('./app.ts');
await serve(starting, clock);

async function startJob(): Promise<Job> {
  if (spec.kind === 'run') {
    const { startRun } = await import('./run/run.ts');
    return { kind: 'run', run: await startRun(spec, { directory, clock }) };
  }
  const { startProbe } = await import('./probe/probe.ts');
  return { kind: 'probe', probe: startProbe(spec, { clock }) };
}
