import { delimiter, dirname, join } from 'node:path';
import { SetupError, say, TOOLS_DIR } from '../project.mjs';
import { readCommand, runCommand } from './run-command.mjs';

/** The services are TypeScript that Node 24 runs directly; the npm package `node` brings exactly this one. */
const NODE_VERSION = '24.21.0';
const NODE_PATH = join(TOOLS_DIR, 'node_modules', 'node', 'bin', 'node');

/** Makes sure that the pinned Node is in `.tools/` and gives its path. Needs the network once. */
export async function ensureNode() {
  if (process.versions.node === NODE_VERSION) return process.execPath;
  if (await isRight()) return NODE_PATH;
  say(`getting Node ${NODE_VERSION} into .tools/ (once)`);
  // The package fetches its binary in an install script.
  const args = ['install', '--prefix', TOOLS_DIR, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts=false'];
  const code = await runCommand('npm', [...args, `node@${NODE_VERSION}`]);
  if (code !== 0 || !(await isRight()))
    throw new SetupError(`could not install Node ${NODE_VERSION} with npm: is the npm registry reachable?`);
  return NODE_PATH;
}

/** The environment of everything that is run with the pinned Node. */
export function toolEnvironment(nodePath) {
  return { ...process.env, PATH: `${dirname(nodePath)}${delimiter}${process.env.PATH ?? ''}` };
}

async function isRight() {
  return (await readCommand(NODE_PATH, ['--version']))?.trim() === `v${NODE_VERSION}`;
}
