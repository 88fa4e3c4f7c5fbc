/**
 * Runs inside the build stage of every Dockerfile: lays out in /image all that the image has, and nothing else.
 *
 * 1. /app: the services as bundles. `npm run images` has put that tree into the context; a plain `docker build` makes it here.
 * 2. The programs and the libraries that they are linked to, of the Debian below /system, or of the build stage itself.
 * 3. Node's compiled code, from a start of each service under the image's own user, flags and paths.
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT, runTool } from '../project.mjs';
import { ensureDependencies } from '../setup/dependencies.mjs';
import { runCommand } from '../setup/run-command.mjs';
import { ensureWebApp } from '../setup/web-app.mjs';
import { compileAhead } from './compile-ahead.mjs';
import { PACKAGES, ROLES } from './roles.mjs';
import { findSystemFiles } from './system-files.mjs';

const IMAGE = '/image';
const APP = '/app';
const SYSTEM = '/system';
/** What belongs to the image's user. A folder that is copied onto another keeps the other's owner, so it is in no other. */
const OWNED = '/owned';
const USER = 'lodestream:x:10001:10001::/data:/usr/sbin/nologin\n';
const NATIVE_ARCH = { x64: 'amd64', arm64: 'arm64' }[process.arch];

await runTool(async ([name]) => {
  const role = ROLES[name];
  const arch = process.env.TARGETARCH || NATIVE_ARCH;
  await provideApp(role, arch);
  await providePrograms(role);
  if (arch === NATIVE_ARCH) await compileAhead(role.services, APP);
  copySystem(role, arch);
  if (role.services.length > 0) cpSync(APP, join(IMAGE, APP), { recursive: true, verbatimSymlinks: true });
});

/** At /app already here: Node's compiled code is for one path. */
async function provideApp(role, arch) {
  if (role.services.length === 0) return;
  const prepared = join(ROOT, 'app-tree');
  if (existsSync(prepared)) renameOrCopy(prepared, APP);
  else {
    await ensureDependencies(process.execPath);
    if (role.hasWeb) await ensureWebApp(process.execPath);
    const { buildAppTree } = await import('./app-tree.mjs');
    await buildAppTree(role, arch, APP);
  }
  copyFileSync(join(ROOT, 'docker', 'healthcheck.mjs'), join(APP, 'healthcheck.mjs'));
}

function renameOrCopy(from, to) {
  try {
    renameSync(from, to);
  } catch {
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  }
}

/** In a plain `docker build` the stage is a Debian with apt; otherwise it has all programs. */
async function providePrograms(role) {
  const isThere = (program) => ['usr/local/bin', 'usr/bin', 'bin'].some((dir) => existsSync(join(systemRoot(), dir, program)));
  if (role.programs.every(isThere)) return;
  await runCommand('apt-get', ['update', '-qq']);
  await runCommand('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES]);
}

function systemRoot() {
  return existsSync(SYSTEM) ? SYSTEM : '/';
}

function copySystem(role, arch) {
  const addons = role.services.length > 0 ? findAddons(APP) : [];
  for (const [from, to] of findSystemFiles(systemRoot(), arch, role.programs, addons)) copyInto(from, to);
  const docs = join(systemRoot(), 'usr/share/doc');
  for (const name of existsSync(docs) ? readdirSync(docs) : []) {
    const copyright = join(docs, name, 'copyright');
    if (existsSync(copyright)) copyInto(copyright, `/usr/share/doc/${name}/copyright`);
  }
  writeInto('/etc/passwd', USER);
  writeInto('/etc/group', 'lodestream:x:10001:\n');
  writeInto('/etc/nsswitch.conf', 'hosts: files dns\n');
  symlinkSync('usr/bin', join(IMAGE, 'bin'));
  mkdirSync(join(OWNED, 'data'), { recursive: true });
  mkdirSync(join(IMAGE, 'tmp'));
  chmodSync(join(IMAGE, 'tmp'), 0o1777);
}

/** Compiled parts of libraries; those of other systems, which some packages bring along, are no ELF files of ours. */
function findAddons(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.node'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).subarray(0, 4).toString('latin1') === '\x7fELF');
}

function copyInto(from, to) {
  mkdirSync(dirname(join(IMAGE, to)), { recursive: true });
  copyFileSync(from, join(IMAGE, to));
}

function writeInto(to, text) {
  mkdirSync(dirname(join(IMAGE, to)), { recursive: true });
  writeFileSync(join(IMAGE, to), text);
}
