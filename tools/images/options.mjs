import { parseArgs } from 'node:util';
import { SetupError } from '../project.mjs';
import { ROLES } from './roles.mjs';

export const ARCHES = ['amd64', 'arm64'];

/**
 * What the command line of `npm run images` asks for. Publishing takes fresh packages of Debian and every processor, unless it is told
 * otherwise.
 */
export function readOptions(args, nativeArch) {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      image: { type: 'string', multiple: true },
      arch: { type: 'string' },
      push: { type: 'string' },
      layout: { type: 'string' },
      archives: { type: 'string' },
      refresh: { type: 'boolean' },
    },
  });
  const isPublished = values.push !== undefined || values.layout !== undefined;
  const arches = (values.arch ?? (isPublished ? ARCHES.join(',') : nativeArch)).split(',');
  const images = values.image ?? Object.keys(ROLES);
  for (const arch of arches)
    if (!ARCHES.includes(arch)) throw new SetupError(`--arch ${arch}: it is one of ${ARCHES.join(', ')}`);
  for (const image of images)
    if (!ROLES[image]) throw new SetupError(`--image ${image}: it is one of ${Object.keys(ROLES).join(', ')}`);
  if (values.push !== undefined && /^\w+:\/\//.test(values.push))
    throw new SetupError('--push is the name of a registry, without a protocol: registry.example.org/films');
  const { push, layout, archives } = values;
  return { images, arches, push, layout, archives, refresh: values.refresh ?? push !== undefined };
}
