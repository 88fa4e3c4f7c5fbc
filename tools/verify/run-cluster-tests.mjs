import { delimiter, join } from 'node:path';
import { takeDown } from '../cluster/down.mjs';
import { ensureCluster } from '../cluster/ensure.mjs';
import { STATE_DIR } from '../cluster/place.mjs';
import { SetupError } from '../project.mjs';
import { runTests } from './run-tests.mjs';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Runs the tests that need a cluster (and its kubectl), on the one of `KUBECONFIG`, else on one that is made here and goes with them, also when they are stopped. */
export async function runClusterTests(nodePath, args = []) {
  const isOurs = !process.env.KUBECONFIG;
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  if (isOurs) for (const name of STOP_SIGNALS) process.on(name, stop);
  try {
    if (isOurs) {
      process.env.KUBECONFIG = await ensureCluster();
      if (stopping.signal.aborted) throw new SetupError('stopped');
      process.env.PATH = [join(STATE_DIR, 'bin'), process.env.PATH].join(delimiter);
    }
    return await runTests(nodePath, ['--config', 'tests/cluster/vitest.config.ts', ...args], stopping.signal);
  } finally {
    if (isOurs) {
      delete process.env.KUBECONFIG;
      await takeDown();
      for (const name of STOP_SIGNALS) process.off(name, stop);
    }
  }
}
