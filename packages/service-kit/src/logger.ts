import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on stderr. Ids are bound once in a child logger; tokens never appear. */
export function createLogger(name: string, level: string): Logger {
  return pino(
    { name, level, base: { name }, redact: ['token', '*.token', 'authorization', '*.authorization'] },
    pino.destination({ dest: 2, sync: true }),
  );
}
