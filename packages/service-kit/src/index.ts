export * from './abort.ts';
export * from './error-handler.ts';
export * from './idle-clock.ts';
export * from './load-config.ts';
export * from './logger.ts';
export * from './problem-error.ts';
export * from './run-worker.ts';
export * from './worker-app.ts';
