import { readFileSync } from 'node:fs';
import type { WorkerSpec } from '@lodestream/shared';
import { z } from 'zod';

/** sysexits EX_CONFIG: a supervisor must not restart a service whose settings are wrong. */
export const EXIT_CONFIG = 78;

/**
 * Parses the environment with a zod schema into a frozen object. Bad values end the process with a readable list, so
 * that an operator sees all of them at once and no service runs with a half-understood setting.
 */
export function loadConfig<T>(schema: z.ZodType<T>, env: NodeJS.ProcessEnv = process.env): Readonly<T> {
  const result = schema.safeParse(env);
  if (result.success) return Object.freeze(result.data);
  const lines = result.error.issues.map((issue) => `  ${issue.path.join('.') || '(settings)'}: ${issue.message}`);
  process.stderr.write(`The settings are not valid:\n${lines.join('\n')}\n`);
  process.exit(EXIT_CONFIG);
}

/** Environment of every worker; set by the orchestrator, never by an operator. */
const WorkerEnvironment = z.object({
  LODESTREAM_TOKEN: z.string().min(16),
  LODESTREAM_SPEC: z.string().optional(),
  /** A file (0600) instead, where the spec is longer than an environment variable may be (128 KiB on Linux). */
  LODESTREAM_SPEC_FILE: z.string().optional(),
  /** Where to call home, tried in turn, comma-separated: the gateway that started it, then any of the deployment. */
  LODESTREAM_CALL_HOME_URL: z
    .string()
    .optional()
    .transform((text) => (text ?? '').split(',').filter((url) => url !== ''))
    .pipe(z.array(z.url())),
  /** Which of all workloads that ever had its name this is; tells a call home from that of one before. */
  LODESTREAM_WORKLOAD_UID: z.string().optional(),
  LODESTREAM_WORK_DIR: z.string().min(1),
  LODESTREAM_WORKER_HOST: z.string().default('127.0.0.1'),
  LODESTREAM_WORKER_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  /** The worker ends when nobody has asked its status for so long; unset where the platform looks after it. */
  LODESTREAM_UNWATCHED_SECONDS: z.coerce.number().positive().optional(),
  LODESTREAM_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});

export type WorkerConfig<S extends WorkerSpec = WorkerSpec> = Readonly<{
  spec: S;
  token: string;
  callHomeUrls: readonly string[];
  uid: string | undefined;
  workDir: string;
  host: string;
  port: number;
  unwatchedSeconds: number | undefined;
  logLevel: string;
}>;

/** Reads a worker's whole configuration: its spec and the few facts of the place it runs in. */
export function loadWorkerConfig<S extends WorkerSpec>(
  schema: z.ZodType<S>,
  env: NodeJS.ProcessEnv = process.env,
): WorkerConfig<S> {
  const place = loadConfig(WorkerEnvironment, env);
  const text = place.LODESTREAM_SPEC ?? readFileSync(place.LODESTREAM_SPEC_FILE ?? '', 'utf8');
  const spec = loadConfig(schema, JSON.parse(text));
  return Object.freeze({
    spec,
    token: place.LODESTREAM_TOKEN,
    callHomeUrls: place.LODESTREAM_CALL_HOME_URL,
    uid: place.LODESTREAM_WORKLOAD_UID,
    workDir: place.LODESTREAM_WORK_DIR,
    host: place.LODESTREAM_WORKER_HOST,
    port: place.LODESTREAM_WORKER_PORT,
    unwatchedSeconds: place.LODESTREAM_UNWATCHED_SECONDS,
    logLevel: place.LODESTREAM_LOG_LEVEL,
  });
}
