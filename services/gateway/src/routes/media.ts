import { MediaInfo, Rendition } from '@lodestream/shared';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from './deps.ts';
import { hold } from './hold.ts';
import { FileParams } from './parameters.ts';

const Answer = MediaInfo.extend({ renditions: z.array(Rendition) });

export function mediaRoutes(app: FastifyInstance, deps: Deps): void {
  const { media, torrents } = deps;
  app
    .withTypeProvider<ZodTypeProvider>()
    .get(
      '/api/v1/torrents/:infoHash/files/:fileIndex/media',
      { schema: { summary: 'What a probe says of a file, and its renditions', params: FileParams, response: { 200: Answer } } },
      async (request, reply) => {
        const { infoHash, fileIndex } = request.params;
        torrents.touch(infoHash);
        const { info, renditions } = await hold(reply, deps, request.params, (signal) => media.get(infoHash, fileIndex, signal));
        return { ...info, renditions };
      },
    );
}
