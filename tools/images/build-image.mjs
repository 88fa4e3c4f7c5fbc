import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_DIR, ROOT, SetupError, say } from '../project.mjs';
import { toolEnvironment } from '../setup/node-toolchain.mjs';
import { readCommand, runCommand } from '../setup/run-command.mjs';
import { askBuildah, buildah } from './buildah.mjs';
import { ROLES } from './roles.mjs';

/** The name that Kubernetes and Docker mean by `lodestream/gateway:0.1.0`. */
export const imageName = (role, version) => `docker.io/lodestream/${role}:${version}`;
export const readVersion = () => JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
const nameFor = (role, version, arch) => `localhost/lodestream-${arch}/${role}:${version}`;

/** Builds one image from its Dockerfile for one processor, and gives its name in buildah's storage. */
export async function buildImage(role, arch, { version, buildStage, nodePath }) {
  const startedAt = performance.now();
  const context = join(CACHE_DIR, 'images', `${role}-${arch}`);
  rmSync(context, { recursive: true, force: true });
  mkdirSync(context, { recursive: true });
  for (const path of ['docker', 'tools', 'package.json']) cpSync(join(ROOT, path), join(context, path), { recursive: true });
  if (ROLES[role].services.length > 0) await layOutApp(role, arch, join(context, 'app-tree'), nodePath);
  const name = nameFor(role, version, arch);
  const revision = (await readCommand('git', ['rev-parse', 'HEAD']))?.trim() ?? 'unknown';
  await buildah(
    `building ${role} for ${arch}`,
    ...[
      'build',
      '--quiet',
      '--isolation',
      'chroot',
      '--pull-never',
      '--format',
      'docker',
      '--no-cache',
      '--force-rm',
      '--arch',
      arch,
    ],
    ...['--build-arg', `BUILD_IMAGE=${buildStage}`, '--build-arg', `TARGETARCH=${arch}`],
    ...['--build-arg', `VERSION=${version}`, '--build-arg', `REVISION=${revision}`],
    ...['--file', join(context, 'docker', `${role}.Dockerfile`), '--tag', name, context],
  );
  rmSync(context, { recursive: true, force: true });
  const bytes = Number(await askBuildah('images', '--format', '{{.Size}}', name).then(readSize));
  say(`${role} for ${arch}: ${Math.round(bytes / 1e6)} MB, built in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  return name;
}

async function layOutApp(role, arch, out, nodePath) {
  const program = join(ROOT, 'tools', 'images', 'lay-out-app.mjs');
  const code = await runCommand(nodePath, [program, role, arch, out], { env: toolEnvironment(nodePath) });
  if (code !== 0) throw new SetupError(`${role} for ${arch} could not be bundled`);
}

/** `123 MB`, as buildah prints it. */
function readSize(text) {
  const [, amount = '0', unit = ''] = /([\d.]+) ?([KMG]?)B/i.exec(text) ?? [];
  return Number(amount) * ({ K: 1e3, M: 1e6, G: 1e9 }[unit.toUpperCase()] ?? 1);
}
