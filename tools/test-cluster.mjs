import { takeDown } from './cluster/down.mjs';
import { ensureCluster } from './cluster/ensure.mjs';
import { runTool } from './project.mjs';
import { setUpTests } from './setup/tests.mjs';
import { formatCounts } from './verify/count-tests.mjs';
import { runTests } from './verify/run-tests.mjs';

/**
 * `npm run test:cluster [-- vitest arguments]`: the tests that need a cluster, on the one of `KUBECONFIG`, else on one that is made on
 * this machine and goes with the tests.
 */
await runTool(async (args) => {
  const nodePath = await setUpTests();
  const isOurs = !process.env.KUBECONFIG;
  try {
    if (isOurs) process.env.KUBECONFIG = await ensureCluster(nodePath);
    const counts = await runTests(nodePath, ['--config', 'tests/cluster/vitest.config.ts', ...args]);
    process.stdout.write(`${formatCounts(counts)}\n`);
    return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
  } finally {
    if (isOurs) await takeDown();
  }
});
