import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ROOT, SetupError } from '../project.mjs';
import { runCommand } from '../setup/run-command.mjs';
import { isNeeded } from './needed-files.mjs';

const STORE = join(ROOT, 'node_modules', '.pnpm');
/** npm's names of the processors that Docker calls amd64 and arm64. */
const CPU = { amd64: 'x64', arm64: 'arm64' };

/**
 * Copies the packages of these names, and all that they depend on, into `out`/node_modules, side by side. A part that is compiled for one
 * processor is fetched for the processor asked for. Gives the folders that were copied.
 */
export async function copyNativePackages(names, arch, out) {
  const copied = new Map();
  const pending = names.flatMap((name) => findInStore(name));
  while (pending.length > 0) {
    const folder = pending.pop();
    const { name, version, dependencies = {}, optionalDependencies = {} } = readManifest(folder);
    if (copied.has(name)) {
      if (copied.get(name).version !== version) throw new SetupError(`two versions of ${name}: they cannot lie side by side`);
      continue;
    }
    copied.set(name, { version, folder });
    copyPackage(folder, join(out, 'node_modules', name), arch);
    for (const dependency of Object.keys(dependencies)) pending.push(besides(folder, name, dependency));
    for (const [part, range] of Object.entries(optionalDependencies))
      if (part.endsWith(`/linux-${CPU[arch]}-gnu`)) await providePart(part, range, besides(folder, name, part), out);
  }
  return [...copied.values()].map(({ folder }) => folder);
}

/** The lockfile's install has the parts of this machine's processor only. */
async function providePart(name, version, here, out) {
  const target = join(out, 'node_modules', name);
  if (existsSync(here)) return cpSync(realpathSync(here), target, { recursive: true });
  const args = [
    'install',
    '--prefix',
    `${out}.parts`,
    '--no-save',
    '--force',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  if ((await runCommand('npm', [...args, `${name}@${version}`])) !== 0) throw new SetupError(`${name} could not be installed`);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(join(`${out}.parts`, 'node_modules', name), target, { recursive: true });
  rmSync(`${out}.parts`, { recursive: true, force: true });
}

const readManifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** pnpm lays what a package depends on beside it. */
function besides(folder, name, dependency) {
  const path = join(folder, ...name.split('/').map(() => '..'), dependency);
  return existsSync(path) ? realpathSync(path) : path;
}

function findInStore(name) {
  const folders = readdirSync(STORE)
    .filter((entry) => entry.startsWith(`${name.replace('/', '+')}@`))
    .map((entry) => join(STORE, entry, 'node_modules', name));
  return folders.filter((folder) => existsSync(folder)).map((folder) => realpathSync(folder));
}

/** Prebuilt parts of other systems and C libraries stay behind. */
function copyPackage(from, to, arch) {
  cpSync(from, to, {
    recursive: true,
    filter: (path) => {
      const inside = path.slice(from.length);
      if (basename(dirname(path)) === 'prebuilds') return basename(path) === `linux-${CPU[arch]}`;
      return inside === '' || (isNeeded(inside) && !path.endsWith('.musl.node'));
    },
  });
}
