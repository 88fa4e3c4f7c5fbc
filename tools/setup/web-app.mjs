import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, SetupError, say } from '../project.mjs';
import { toolEnvironment } from './node-toolchain.mjs';
import { runCommand } from './run-command.mjs';
import { doOnce, hashFiles } from './stamp.mjs';

/** Builds the web app when its sources, the contract or a library have changed. */
export async function ensureWebApp(nodePath) {
  const key = await hashFiles(['web', 'packages/shared/src', 'pnpm-lock.yaml', 'patches']);
  await doOnce('web-app', key, existsSync(join(ROOT, 'web', 'dist', 'index.html')), async () => {
    say('building the web app');
    const vite = join(ROOT, 'web', 'node_modules', 'vite', 'bin', 'vite.js');
    const code = await runCommand(nodePath, [vite, 'build', '--logLevel', 'warn'], {
      cwd: join(ROOT, 'web'),
      env: toolEnvironment(nodePath),
    });
    if (code !== 0) throw new SetupError('the web app could not be built');
  });
}
