import { readFileSync } from 'node:fs';
import type { ProbeSpec, RunSpec } from '@lodestream/shared';

/**
 * The spec, as the gateway wrote it. Reading it with the schemas costs 200 ms of loading; the job starts without them, and
 * `main.ts` checks them while ffmpeg opens the source. A spec that fails the check ends the process, and ffmpeg with it.
 */
export function readSpecUnchecked(env: NodeJS.ProcessEnv = process.env): { spec: RunSpec | ProbeSpec; directory: string } {
  const text = env.LODESTREAM_SPEC ?? readFileSync(env.LODESTREAM_SPEC_FILE ?? '', 'utf8');
  return { spec: JSON.parse(text), directory: env.LODESTREAM_WORK_DIR ?? '' };
}
