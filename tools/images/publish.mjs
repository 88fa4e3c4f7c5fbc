import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_DIR, ROOT, SetupError, say } from '../project.mjs';
import { ensureHelm } from '../setup/helm.mjs';
import { readCommand, runCommand } from '../setup/run-command.mjs';
import { imageName, readVersion } from './build-image.mjs';
import { BUILDAH, buildah } from './buildah.mjs';

/**
 * One name for the image of every processor, sent to `push` (a registry) or into `layout` (a folder: an OCI layout for each image).
 * A registry gets Docker's format, which has the HEALTHCHECK; OCI has none.
 */
export async function publishImage(role, version, names, { push, layout }) {
  const list = `localhost/lodestream-list/${role}:${version}`;
  // Of the time before, if there was one.
  await readCommand('buildah', [...BUILDAH, 'manifest', 'rm', list]);
  await buildah(`listing ${role}`, 'manifest', 'create', list);
  for (const name of names) await buildah(`listing ${name}`, 'manifest', 'add', list, name);
  if (push) {
    say(`pushing ${push}/lodestream/${role}:${version}`);
    const target = `docker://${push}/lodestream/${role}:${version}`;
    await buildah(`pushing ${role}`, 'manifest', 'push', '--quiet', '--all', '--format', 'v2s2', list, target);
  }
  if (layout) {
    mkdirSync(layout, { recursive: true });
    rmSync(join(layout, role), { recursive: true, force: true });
    const target = `oci:${join(layout, role)}:${version}`;
    await buildah(`writing ${role}`, 'manifest', 'push', '--quiet', '--all', '--format', 'oci', list, target);
  }
}

/** One file for `docker load` and `ctr images import`. */
export async function archiveImage(role, version, name, dir) {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `${role}.tar`);
  rmSync(file, { force: true });
  await buildah(`writing ${file}`, 'push', '--quiet', name, `docker-archive:${file}:${imageName(role, version)}`);
}

/** The chart as a package, below `charts` of the registry or of the folder. */
export async function publishChart({ push, layout }) {
  const helm = await ensureHelm();
  const dir = layout ? join(layout, 'charts') : join(CACHE_DIR, 'charts');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const chart = join(ROOT, 'deploy', 'helm', 'lodestream');
  if ((await runCommand(helm, ['package', chart, '--destination', dir])) !== 0)
    throw new SetupError('the chart could not be packaged');
  if (!push) return;
  const file = join(dir, `lodestream-${readVersion()}.tgz`);
  if ((await runCommand(helm, ['push', file, `oci://${push}/charts`])) !== 0)
    throw new SetupError('the chart could not be pushed');
}
