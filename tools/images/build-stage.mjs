import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CACHE_DIR, MACHINE_CACHE_DIR, SetupError, say } from '../project.mjs';
import { installNode, NODE_VERSION } from '../setup/node-toolchain.mjs';
import { runCommand } from '../setup/run-command.mjs';
import { hashText } from '../setup/stamp.mjs';
import { askBuildah, buildah } from './buildah.mjs';
import { PACKAGES } from './roles.mjs';

const SUITE = 'bookworm';
const NODE_PLACE = 'usr/local/bin/node';

/**
 * The image of the build stage for one processor, without a registry: a Debian tree of this machine with Node, and the tree of the other
 * processor below /system. No maintainer script runs, so another processor's tree needs no emulation. Gives its name.
 */
export async function provideBuildStage(arch, nativeArch, refresh) {
  const native = await provideSystem(nativeArch, refresh);
  const foreign = arch === nativeArch ? null : await provideSystem(arch, refresh);
  const key = hashText([native, foreign].join(' ')).slice(0, 12);
  const name = `localhost/lodestream-build-${arch}:${key}`;
  if (!refresh && (await askBuildah('images', '--format', '{{.Name}}:{{.Tag}}')).split('\n').includes(name)) return name;
  const container = await askBuildah('from', 'scratch');
  await buildah('laying out the build stage', 'add', '--quiet', container, native, '/');
  if (foreign) await buildah('laying out the other system', 'add', '--quiet', container, foreign, '/system');
  // The stage runs here, and its result is for there.
  await buildah('naming its processor', 'config', '--arch', arch, container);
  await buildah('keeping the build stage', 'commit', '--quiet', '--rm', container, name);
  return name;
}

/** Of this run: a fresh one is fetched once, also when several images want it. */
const systems = new Map();

function provideSystem(arch, refresh) {
  if (!systems.has(arch)) systems.set(arch, unpackSystem(arch, refresh));
  return systems.get(arch);
}

/** Debian's packages of the images, unpacked, and Node; kept for this machine. */
async function unpackSystem(arch, refresh) {
  const key = hashText([NODE_VERSION, ...PACKAGES].join(' ')).slice(0, 12);
  const dir = join(MACHINE_CACHE_DIR, 'images', `${SUITE}-${arch}-${key}`);
  if (existsSync(dir) && !refresh) return dir;
  say(`unpacking Debian's packages for ${arch} (once per machine)`);
  await mkdir(dirname(dir), { recursive: true });
  const fresh = `${dir}.new`;
  await rm(fresh, { recursive: true, force: true });
  const args = ['--quiet', '--variant=extract', `--architectures=${arch}`, `--include=${PACKAGES.join(',')}`];
  for (const folder of ['man', 'locale', 'info', 'icons', 'fonts']) args.push(`--dpkgopt=path-exclude=/usr/share/${folder}/*`);
  if ((await runCommand('mmdebstrap', [...args, SUITE, fresh])) !== 0)
    throw new SetupError(`Debian's packages for ${arch} could not be fetched`);
  await mkdir(dirname(join(fresh, NODE_PLACE)), { recursive: true });
  await copyFile(await installNode(arch, join(CACHE_DIR, `node-${NODE_VERSION}-${arch}`)), join(fresh, NODE_PLACE));
  await rm(dir, { recursive: true, force: true });
  await rename(fresh, dir);
  return dir;
}
