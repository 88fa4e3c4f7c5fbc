import multipart from '@fastify/multipart';
import { ProblemError } from '@lodestream/service-kit';
import { AddTorrentBody, apiPaths, type InfoHash, Torrent } from '@lodestream/shared';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { readTorrentSource } from '../torrents/torrent-source.ts';
import type { Deps } from './deps.ts';
import { TorrentParams } from './parameters.ts';

/** libtorrent and ut_metadata both stop at 10 MB; larger ones are nobody's (security.md §6.1). */
const MAX_METAINFO_BYTES = 10 * 1024 * 1024;

export function torrentRoutes(app: FastifyInstance, deps: Deps): void {
  const { torrents, viewers, limits, admission, knowledge, media, orchestrator, guard } = deps;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  app.register(multipart, { limits: { fileSize: MAX_METAINFO_BYTES, files: 1, fields: 0, parts: 1 } });
  app.addContentTypeParser(
    'application/x-bittorrent',
    { parseAs: 'buffer', bodyLimit: MAX_METAINFO_BYTES },
    (_request, body, done) => done(null, body),
  );

  routes.post(
    '/api/v1/torrents',
    { schema: { summary: 'Open a torrent by magnet, info hash or .torrent', response: { 200: Torrent, 201: Torrent } } },
    async (request, reply) => {
      await limits.takeNewTorrent(request.ip);
      const { source, names } = await readTorrentSource(await posted(request));
      guard.admit({ infoHash: source.infoHash, infoHashV2: source.infoHashV2, names });
      const known = await knowledge.recall(source.infoHash);
      const { isNew } = await admission.admitTorrent(source.infoHash, () => torrents.add(source, known));
      orchestrator.expect();
      torrents.touch(source.infoHash);
      if (isNew) void warmOnlyFilm(source.infoHash);
      // Behind a Service the next request comes to another gateway.
      await torrents.added(source.infoHash);
      const torrent = await viewers.torrent(source.infoHash);
      return reply
        .code(isNew ? 201 : 200)
        .header('location', apiPaths.torrent(source.infoHash))
        .send(torrent);
    },
  );

  routes.get(
    '/api/v1/torrents/:infoHash',
    { schema: { summary: 'A torrent, its files and its swarm', params: TorrentParams, response: { 200: Torrent } } },
    async (request) => viewers.torrent(request.params.infoHash),
  );

  /** Where there is one film only, the viewer wants that one: its probe starts before anybody asks. */
  async function warmOnlyFilm(infoHash: InfoHash): Promise<void> {
    try {
      await torrents.ready(infoHash, torrents.lifetime(infoHash));
      const { files } = await viewers.torrent(infoHash);
      const playable = files.filter((file) => file.kind === 'video' || file.kind === 'audio');
      if (playable.length === 1 && playable[0]) media.warm(infoHash, playable[0].index);
    } catch {
      // Whoever asks for the torrent is told what is wrong with it.
    }
  }
}

async function posted(request: FastifyRequest) {
  if (request.isMultipart()) return { metainfo: await postedFile(request) };
  if (Buffer.isBuffer(request.body)) return { metainfo: request.body };
  const body = AddTorrentBody.safeParse(request.body);
  if (!body.success)
    throw new ProblemError('invalid-request', { detail: 'Expected {"magnet": "…"}, {"infoHash": "…"} or a .torrent.' });
  return body.data;
}

async function postedFile(request: FastifyRequest): Promise<Buffer> {
  try {
    const part = await request.file();
    if (part?.fieldname !== 'torrent')
      throw new ProblemError('invalid-request', { detail: 'The multipart field is called "torrent".' });
    return await part.toBuffer();
  } catch (error) {
    // The parser's own words for a body that it cannot read are plain errors.
    if (error instanceof ProblemError || (error instanceof Error && 'statusCode' in error)) throw error;
    throw new ProblemError('invalid-request', { detail: 'The multipart body is broken.' }, { cause: error });
  }
}
