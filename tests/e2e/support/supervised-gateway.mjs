import { fileURLToPath } from 'node:url';
import { supervise } from '../../../tools/supervise/supervise.mjs';

/** The gateway as `npm start` keeps it running, without the setup that comes before. */
process.exitCode = await supervise({
  command: process.execPath,
  args: [fileURLToPath(new URL('../../../services/gateway/src/main.ts', import.meta.url))],
  env: process.env,
  cwd: process.cwd(),
  say: (text) => process.stdout.write(`${text}\n`),
});
