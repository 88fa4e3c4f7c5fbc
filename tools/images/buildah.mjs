import { join } from 'node:path';
import { MACHINE_CACHE_DIR, SetupError } from '../project.mjs';
import { readCommand, runCommand } from '../setup/run-command.mjs';

const STORE = join(MACHINE_CACHE_DIR, 'cluster');
/**
 * Images have a store of their own, which the test cluster shares: the machine's is nobody's business. Overlays and chroot work as root
 * without a daemon, also inside a container or a virtual machine.
 */
export const BUILDAH = ['--root', join(STORE, 'images'), '--runroot', join(STORE, 'images-run'), '--storage-driver', 'overlay'];

/** Runs buildah; `what` says in words what has failed. */
export async function buildah(what, ...args) {
  if ((await runCommand('buildah', [...BUILDAH, ...args])) !== 0) throw new SetupError(`${what} failed`);
}

/** What a short buildah command prints. */
export async function askBuildah(...args) {
  const text = await readCommand('buildah', [...BUILDAH, ...args]);
  if (text === null) throw new SetupError(`buildah ${args.join(' ')} failed`);
  return text.trim();
}

/** Removes the images whose name a later build has taken, but for those that someone has open: half a gigabyte of disk for every build. */
export async function removeUnnamedImages() {
  const ids = (await askBuildah('images', '--quiet', '--filter', 'dangling=true')).split('\n').filter(Boolean);
  for (const id of ids) await readCommand('buildah', [...BUILDAH, 'rmi', id]);
}
