import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { askBuildah, buildah } from '../images/buildah.mjs';
import { CACHE_DIR as PROJECT_CACHE_DIR, ROOT, SetupError } from '../project.mjs';
import { runCommand } from '../setup/run-command.mjs';
import { BIN_DIR, PAUSE_IMAGE, STATE_DIR } from './place.mjs';

/** Those that pods are made of; the all-in-one image is for machines without a cluster. */
const ROLES = ['gateway', 'downloader', 'transcoder', 'redis'];

/** Makes the image that holds a pod's namespaces known to the cluster: nothing starts without it. */
export async function importPauseImage() {
  const archive = join(BIN_DIR, 'pause.tar');
  if (!existsSync(archive)) await makePauseImage(archive);
  await importArchive(archive);
}

async function makePauseImage(archive) {
  const container = await askBuildah('from', 'scratch');
  await buildah('copying the pause program', 'copy', '--quiet', container, join(BIN_DIR, 'pause'), '/pause');
  await buildah('naming its entry', 'config', '--entrypoint', '["/pause"]', container);
  await buildah('keeping the pause image', 'commit', '--quiet', '--rm', container, PAUSE_IMAGE);
  await rm(`${archive}.new`, { force: true });
  await buildah('writing the pause image', 'push', '--quiet', PAUSE_IMAGE, `docker-archive:${archive}.new:${PAUSE_IMAGE}`);
  await rename(`${archive}.new`, archive);
}

/** Builds the images of this tree and makes them known to the cluster, under the names that the chart gives them. */
export async function importImages() {
  const dir = join(PROJECT_CACHE_DIR, 'cluster-images');
  const wanted = ROLES.flatMap((role) => ['--image', role]);
  const code = await runCommand(process.execPath, [join(ROOT, 'tools', 'images.mjs'), '--archives', dir, ...wanted]);
  if (code !== 0) throw new SetupError('the images could not be built');
  for (const role of ROLES) await importArchive(join(dir, `${role}.tar`));
  await rm(dir, { recursive: true, force: true });
}

async function importArchive(archive) {
  const args = [`--address=${STATE_DIR}/run/containerd.sock`, '--namespace=k8s.io', 'images', 'import', archive];
  if ((await runCommand('ctr', args)) !== 0) throw new SetupError(`the cluster could not import ${archive}`);
}
