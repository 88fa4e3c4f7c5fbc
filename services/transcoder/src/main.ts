/**
 * One process per job: it probes one source, or executes one run. ffmpeg is spawned before the HTTP server and the schemas
 * are loaded: loading keeps this process busy for longer than ffmpeg needs to open its source, and a viewer waits for the
 * first part.
 */
import { delay } from '@lodestream/service-kit/abort';
import { createIdleClock } from '@lodestream/service-kit/idle-clock';
import { waitForJob } from '@lodestream/service-kit/standby';
import type { Job } from './app.ts';
import { readSpecUnchecked } from './config.ts';

/** A probe may wait for its first bytes for minutes: it gets this head start, and the server is loaded beside it. */
const PROBE_HEAD_START_MS = 100;

await waitForJob(async () => {
  await import('./run/run.ts');
  await import('./probe/probe.ts');
  await import('./app.ts');
  await (await import('./rehearsal.ts')).rehearseTranscoder();
});
const { spec, directory } = readSpecUnchecked();
const clock = createIdleClock();
const job = await startJob();
const { serve } = await import('./app.ts');
await serve(job, clock);

async function startJob(): Promise<Job> {
  if (spec.kind === 'run') {
    const { startRun } = await import('./run/run.ts');
    return { kind: 'run', run: await startRun(spec, { directory, clock }) };
  }
  const { startProbe } = await import('./probe/probe.ts');
  const probe = startProbe(spec, { clock });
  await Promise.race([probe.probing, delay(PROBE_HEAD_START_MS)]);
  return { kind: 'probe', probe };
}
