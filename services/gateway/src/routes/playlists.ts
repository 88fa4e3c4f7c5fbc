import { ProblemError } from '@lodestream/service-kit';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { buildMediaPlaylist, targetDurationSeconds } from '../playback/media-playlist.ts';
import { buildMultivariantPlaylist } from '../playback/multivariant-playlist.ts';
import type { Deps } from './deps.ts';
import { hold } from './hold.ts';
import { FileParams, RenditionParams } from './parameters.ts';

/** security.md §6.5: no film is longer than a day. */
const MAX_FILM_SECONDS = 86_400;

/** `?start=SECONDS`: where the player will begin. A hint that saves a round trip; a wrong one costs a run nobody asks for. */
const StartHint = z.object({ start: z.coerce.number().min(0).max(MAX_FILM_SECONDS).optional() });

export function playlistRoutes(app: FastifyInstance, deps: Deps): void {
  const { media, torrents, segments } = deps;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/api/v1/torrents/:infoHash/files/:fileIndex/hls/index.m3u8',
    { schema: { summary: 'Multivariant playlist', params: FileParams, querystring: StartHint } },
    async (request, reply) => {
      const { infoHash, fileIndex } = request.params;
      torrents.touch(infoHash);
      const probed = await hold(reply, deps, request.params, (signal) => media.get(infoHash, fileIndex, signal));
      if (request.query.start !== undefined) segments.warm(infoHash, fileIndex, probed, request.query.start);
      return sendPlaylist(reply, buildMultivariantPlaylist(probed.renditions));
    },
  );

  routes.get(
    '/api/v1/torrents/:infoHash/files/:fileIndex/hls/:rendition/index.m3u8',
    { schema: { summary: 'Media playlist of one rendition', params: RenditionParams } },
    async (request, reply) => {
      const { infoHash, fileIndex, rendition: id } = request.params;
      torrents.touch(infoHash);
      const { renditions } = await hold(reply, deps, request.params, (signal) => media.get(infoHash, fileIndex, signal));
      const rendition = renditions.find((candidate) => candidate.id === id);
      if (!rendition) throw new ProblemError('rendition-unknown');
      const targetSeconds = targetDurationSeconds(renditions.map(({ timeline }) => timeline));
      return sendPlaylist(reply, buildMediaPlaylist(rendition.timeline, targetSeconds));
    },
  );
}

function sendPlaylist(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('content-type', 'application/vnd.apple.mpegurl').header('cache-control', 'no-store').send(text);
}
