import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SetupError } from '../project.mjs';
import { runCommand } from '../setup/run-command.mjs';
import { BIN_DIR, CACHE_DIR, PAUSE_IMAGE, STATE_DIR } from './place.mjs';

/** Images have a store of their own: the machine's is nobody's business. */
export const BUILDAH = [
  '--root',
  join(CACHE_DIR, 'images'),
  '--runroot',
  join(CACHE_DIR, 'images-run'),
  '--storage-driver',
  'overlay',
];

/** The image that holds a pod's namespaces, as an OCI archive. */
export async function ensurePauseImage() {
  const archive = join(BIN_DIR, 'pause.tar');
  if (existsSync(archive)) return archive;
  await mkdir(CACHE_DIR, { recursive: true });
  const container = `pause-${process.pid}`;
  await buildah('from', '--name', container, 'scratch');
  try {
    await buildah('copy', container, join(BIN_DIR, 'pause'), '/pause');
    await buildah('config', '--entrypoint', '["/pause"]', container);
    await buildah('commit', container, PAUSE_IMAGE);
    await saveImage(PAUSE_IMAGE, archive);
  } finally {
    await buildah('rm', container);
  }
  return archive;
}

/** Writes an image as an OCI archive that containerd can import under its own name. */
export async function saveImage(name, archive) {
  await rm(`${archive}.new`, { force: true });
  await buildah('push', name, `oci-archive:${archive}.new:${name}`);
  await rename(`${archive}.new`, archive);
}

/** Makes an image known to the cluster. */
export async function importImage(archive) {
  const args = [`--address=${STATE_DIR}/run/containerd.sock`, '--namespace=k8s.io', 'images', 'import', archive];
  if ((await runCommand('ctr', args)) !== 0) throw new SetupError(`the cluster could not import ${archive}`);
}

export async function buildah(...args) {
  const code = await runCommand('buildah', [...BUILDAH, ...args]);
  if (code !== 0) throw new SetupError(`buildah ${args[0]} failed with ${code}`);
}
