import { runTool } from './project.mjs';
import { setUpTests } from './setup/tests.mjs';
import { formatCounts } from './verify/count-tests.mjs';
import { runClusterTests } from './verify/run-cluster-tests.mjs';

/** `npm run test:cluster [-- vitest arguments]`: the tests that need a cluster. */
await runTool(async (args) => {
  const nodePath = await setUpTests();
  const counts = await runClusterTests(nodePath, args);
  process.stdout.write(`${formatCounts(counts)}\n`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
});
