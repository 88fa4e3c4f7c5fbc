import { resolve } from 'node:path';
import { buildImage, imageName, readVersion } from './images/build-image.mjs';
import { provideBuildStage } from './images/build-stage.mjs';
import { buildah, removeUnnamedImages } from './images/buildah.mjs';
import { readOptions } from './images/options.mjs';
import { archiveImage, publishChart, publishImage } from './images/publish.mjs';
import { runTool } from './project.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { ensureNode } from './setup/node-toolchain.mjs';
import { ensureImagePrograms } from './setup/programs.mjs';
import { ensureWebApp } from './setup/web-app.mjs';

const NATIVE_ARCH = { x64: 'amd64', arm64: 'arm64' }[process.arch];

/**
 * `npm run images`: builds the images of docker/ without a registry. `-- --image gateway` some of them, `--arch amd64,arm64` for
 * processors, `--archives DIR` as files, `--push REGISTRY` or `--layout DIR` to publish images and chart. Needs Debian and root.
 */
await runTool(async (args) => {
  const options = readOptions(args, NATIVE_ARCH);
  await ensureImagePrograms();
  const nodePath = await ensureNode();
  await ensureDependencies(nodePath);
  await ensureWebApp(nodePath);
  const version = readVersion();
  const built = new Map(options.images.map((role) => [role, []]));
  for (const arch of options.arches) {
    const buildStage = await provideBuildStage(arch, NATIVE_ARCH, options.refresh);
    for (const role of options.images) built.get(role).push(await buildImage(role, arch, { version, buildStage, nodePath }));
  }
  for (const [role, names] of built) {
    const native = names[options.arches.indexOf(NATIVE_ARCH)];
    if (native) await buildah(`naming ${role}`, 'tag', native, imageName(role, version));
    if (native && options.archives) await archiveImage(role, version, native, resolve(options.archives));
    if (options.push || options.layout) await publishImage(role, version, names, options);
  }
  await removeUnnamedImages();
  if (options.push || options.layout) await publishChart(options);
});
