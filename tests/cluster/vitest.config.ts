import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Tests on a real cluster, one file after the other: they measure time, and a node of two cores is soon full. */
export default defineConfig({
  test: {
    name: 'cluster',
    root: fileURLToPath(new URL('.', import.meta.url)),
    include: ['**/*.test.ts'],
    setupFiles: ['support/tell-at-once.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 20_000,
    fileParallelism: false,
    maxWorkers: 1,
  },
});
