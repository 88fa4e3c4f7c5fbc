import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { CACHE_DIR, SetupError, say, TOOLS_DIR } from '../project.mjs';
import { readCommand, runCommand } from './run-command.mjs';

/** The services are TypeScript that Node 24 runs directly: exactly this one. */
export const NODE_VERSION = '24.21.0';
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
    await npmInstall(TOOLS_DIR, ['--ignore-scripts=false'], name);
    const path = await findNode();
    if (path) return path;
  }
  throw new SetupError(`could not install Node ${NODE_VERSION} with npm: is the npm registry reachable?`);
}

/** The same Node for a processor of Docker's name, as a file to put into an image: installed into `dir`, not run. */
export async function installNode(arch, dir) {
  const name = `node-linux-${{ amd64: 'x64', arm64: 'arm64' }[arch]}`;
  const path = join(dir, 'node_modules', name, 'bin', 'node');
  if (!existsSync(path)) await npmInstall(dir, ['--force', '--ignore-scripts'], name);
  if (!existsSync(path)) throw new SetupError(`could not install Node ${NODE_VERSION} for ${arch} with npm`);
  return path;
}

function npmInstall(dir, options, name) {
  const args = ['install', '--prefix', dir, '--no-save', '--no-audit', '--no-fund', '--loglevel=error', ...options];
  return runCommand('npm', [...args, `${name}@${NODE_VERSION}`]);
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
