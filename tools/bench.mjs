import { join } from 'node:path';
import { runTool } from './project.mjs';
import { toolEnvironment } from './setup/node-toolchain.mjs';
import { runCommand } from './setup/run-command.mjs';
import { setUpTests } from './setup/tests.mjs';

/** `npm run bench [-- --only NAME] [--quick]`: sets up what the tests need and measures against floors of the same run. */
await runTool(async (args) => {
  const nodePath = await setUpTests();
  const command = ['--no-warnings', join('tests', 'bench', 'main.ts'), ...args];
  return runCommand(nodePath, command, { env: toolEnvironment(nodePath), stdout: 'stdout' });
});
