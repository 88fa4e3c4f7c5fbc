import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../project.mjs';
import { bundleService, NATIVE } from './bundle.mjs';
import { copyNativePackages } from './native-packages.mjs';
import { isLegal } from './needed-files.mjs';

/**
 * Lays out what the images have at /app: every service as a bundle at its place of the repository, what it starts or serves beside it, and the
 * packages that cannot be bundled. Needs the repository's own dependencies installed, and nothing from the network unless the
 * processor is another one.
 */
export async function buildAppTree({ services, hasWeb }, arch, out) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const packages = new Set();
  for (const service of services) {
    for (const folder of await bundleService(service, out)) packages.add(folder);
    const programs = join(ROOT, 'services', service, 'bin');
    if (existsSync(programs)) cpSync(programs, join(out, 'services', service, 'bin'), { recursive: true });
  }
  if (hasWeb) cpSync(join(ROOT, 'web', 'dist'), join(out, 'web', 'dist'), { recursive: true });
  const hasNative = services.includes('downloader');
  for (const folder of hasNative ? await copyNativePackages(NATIVE, arch, out) : []) packages.add(folder);
  copyLicences([...packages], join(out, 'licences'));
  cpSync(join(ROOT, 'LICENSE'), join(out, 'LICENSE'));
}

/** A bundle is a distribution of all that went into it: their licences go along, by package. */
function copyLicences(packages, out) {
  for (const folder of packages) {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (name === undefined || name.startsWith('@lodestream/')) continue;
    for (const file of readdirSync(folder).filter(isLegal)) {
      mkdirSync(out, { recursive: true });
      cpSync(join(folder, file), join(out, `${name.replace('/', '+')}@${version}.${file}`), { recursive: true });
    }
  }
}
