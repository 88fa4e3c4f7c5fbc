import { delimiter, dirname, join } from 'node:path';
import { CACHE_DIR, SetupError, say, TOOLS_DIR } from '../project.mjs';
import { readCommand, runCommand } from './run-command.mjs';

/** The services are TypeScript that Node 24 runs directly: exactly this one. */
const NODE_VERSION = '24.21.0';
/**
 * `node` fetches its binary in an install script. An npm that runs none leaves it without one; the package that the script
 * would have fetched is then installed directly.
 */
const PACKAGES = ['node', `node-${process.platform}-${process.arch}`];

/** Makes sure that the pinned Node is in `.tools/` and gives its path. Needs the network once. */
export async function ensureNode() {
  if (process.versions.node === NODE_VERSION) return process.execPath;
  const there = await findNode();
  if (there) return there;
  say(`getting Node ${NODE_VERSION} into .tools/ (once)`);
  for (const name of PACKAGES) {
    const args = [
      'install',
      '--prefix',
      TOOLS_DIR,
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      '--ignore-scripts=false',
    ];
    await runCommand('npm', [...args, `${name}@${NODE_VERSION}`]);
    const path = await findNode();
    if (path) return path;
  }
  throw new SetupError(`could not install Node ${NODE_VERSION} with npm: is the npm registry reachable?`);
}

/** Node keeps compiled code here: the services start in half the time. */
const COMPILE_CACHE_DIR = join(CACHE_DIR, 'compiled');

/** The environment of everything that is run with the pinned Node. */
export function toolEnvironment(nodePath) {
  const path = `${dirname(nodePath)}${delimiter}${process.env.PATH ?? ''}`;
  return { NODE_COMPILE_CACHE: COMPILE_CACHE_DIR, ...process.env, PATH: path };
}

async function findNode() {
  for (const name of PACKAGES) {
    const path = join(TOOLS_DIR, 'node_modules', name, 'bin', 'node');
    if ((await readCommand(path, ['--version']))?.trim() === `v${NODE_VERSION}`) return path;
  }
  return null;
}
