import { lstatSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Libraries with compiled parts, which stay packages. Those that are optional and absent are handled by whoever wants them. */
export const NATIVE = ['node-datachannel', 'utp-native', 'fs-native-extensions', 'bufferutil', 'utf-8-validate'];

/**
 * Bundles a service into `out`/services/SERVICE/src, so that it starts from a few files: three times as fast, with Node's compiled code. Names
 * stay as they are, for readable stack traces. `main.ts` leads to the bundle, so that whoever starts it by its path of the repository
 * does. Gives the folders of the packages that went in.
 */
export async function bundleService(service, out) {
  const dir = join(ROOT, 'services', service, 'src');
  const target = join(out, 'services', service, 'src');
  const bundle = await rolldown({
    input: join(dir, 'main.ts'),
    platform: 'node',
    external: NATIVE.map((name) => new RegExp(`^${name}(?:/|$)`)),
    logLevel: 'warn',
    // CommonJS packages ask for them; a module, as the bundle is, has others.
    transform: { define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' } },
    plugins: [keepPlaces(dir)],
  });
  const { output } = await bundle.write({
    dir: target,
    format: 'esm',
    entryFileNames: 'main.mjs',
    chunkFileNames: '[name]-[hash].mjs',
  });
  await bundle.close();
  mkdirSync(target, { recursive: true });
  symlinkSync('main.mjs', join(target, 'main.ts'));
  return packagesOf(output.flatMap((chunk) => chunk.moduleIds ?? Object.keys(chunk.modules ?? {})));
}

/** A file of ours that looks for another beside itself finds it from the bundle too: `import.meta.url` is the place it had. */
function keepPlaces(bundleDir) {
  return {
    name: 'keep-places',
    transform(code, id) {
      if (!id.startsWith(join(ROOT, 'services') + sep) || !code.includes('import.meta.url')) return null;
      const place = relative(bundleDir, id).split(sep).join('/');
      return code.replaceAll('import.meta.url', `new URL(${JSON.stringify(place)}, import.meta.url).href`);
    },
  };
}

/** `…/node_modules/@scope/name/lib/x.js` → `…/node_modules/@scope/name`. */
function packagesOf(ids) {
  const folders = ids.flatMap((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []);
  return [...new Set(folders)]
    .filter((folder) => lstatSync(folder, { throwIfNoEntry: false }))
    .map((folder) => realpathSync(folder));
}
