import { delimiter, join } from 'node:path';
import { takeDown } from '../cluster/down.mjs';
import { ensureCluster } from '../cluster/ensure.mjs';
import { STATE_DIR } from '../cluster/place.mjs';
import { runTests } from './run-tests.mjs';

/** Runs the tests that need a cluster (and its kubectl), on the one of `KUBECONFIG`, else on one that is made here and goes with them. */
export async function runClusterTests(nodePath, args = []) {
  const isOurs = !process.env.KUBECONFIG;
  try {
    if (isOurs) {
      process.env.KUBECONFIG = await ensureCluster();
      process.env.PATH = [join(STATE_DIR, 'bin'), process.env.PATH].join(delimiter);
    }
    return await runTests(nodePath, ['--config', 'tests/cluster/vitest.config.ts', ...args]);
  } finally {
    if (isOurs) {
      delete process.env.KUBECONFIG;
      await takeDown();
    }
  }
}
