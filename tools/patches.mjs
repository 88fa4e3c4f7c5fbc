import { join } from 'node:path';
import { runTool } from './project.mjs';
import { toolEnvironment } from './setup/node-toolchain.mjs';
import { runCommand } from './setup/run-command.mjs';
import { setUpTests } from './setup/tests.mjs';

/** `npm run test:patches [-- TEXT]`: shows for every hunk of the patches that a test dies without it. */
await runTool(async (args) => {
  const nodePath = await setUpTests();
  const command = ['--no-warnings', join('tests', 'patches', 'main.ts'), ...args];
  return runCommand(nodePath, command, { env: toolEnvironment(nodePath), stdout: 'stdout' });
});
