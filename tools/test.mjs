import { runTool } from './project.mjs';
import { setUpTests } from './setup/tests.mjs';
import { formatCounts } from './verify/count-tests.mjs';
import { runTests } from './verify/run-tests.mjs';

/** `npm test [-- vitest arguments]`: sets up what the tests need and runs them. */
await runTool(async (args) => {
  const nodePath = await setUpTests();
  const counts = await runTests(nodePath, args);
  process.stdout.write(`${formatCounts(counts)}\n`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
});
