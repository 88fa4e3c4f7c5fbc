import { runTool } from './project.mjs';
import { setUpTests } from './setup/tests.mjs';
import { runTests } from './verify/run-tests.mjs';

/** Of `npm test` it is a minute. */
const SOAK_SECONDS = '1800';
const SOAKS = ['services/downloader/test/soak'];

/** `npm run test:soak`: the soak tests for half an hour, or for LODESTREAM_SOAK_SECONDS. */
await runTool(async () => {
  process.env.LODESTREAM_SOAK_SECONDS ??= SOAK_SECONDS;
  const counts = await runTests(await setUpTests(), SOAKS);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
});
