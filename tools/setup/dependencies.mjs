import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, SetupError, say } from '../project.mjs';
import { toolEnvironment } from './node-toolchain.mjs';
import { runCommand } from './run-command.mjs';
import { doOnce, hashFiles } from './stamp.mjs';

/** The command that is pnpm. */
export const PNPM = ['npx', '--yes', 'pnpm@12.21.0'];

/** Installs what the lockfile says, once per lockfile. */
export async function ensureDependencies(nodePath) {
  const manifests = packageFolders().map((dir) => join(dir, 'package.json'));
  const key = await hashFiles(['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'patches', ...manifests]);
  const isThere = existsSync(join(ROOT, 'node_modules', '.modules.yaml'));
  await doOnce('dependencies', key, isThere, async () => {
    say('installing the dependencies (once per lockfile)');
    const [npx, ...pnpm] = PNPM;
    const code = await runCommand(npx, [...pnpm, 'install', '--frozen-lockfile'], {
      env: { ...toolEnvironment(nodePath), CI: 'true' },
    });
    if (code !== 0) throw new SetupError('could not install the dependencies: is the npm registry reachable?');
  });
}

/** Folders of the workspace's packages, relative to the root; the root itself is the first. */
export function packageFolders() {
  const inside = ['packages', 'services'].flatMap((dir) => readdirSync(join(ROOT, dir)).map((name) => join(dir, name)));
  return ['', ...inside, 'web', 'tests'].filter((dir) => existsSync(join(ROOT, dir, 'package.json')));
}
