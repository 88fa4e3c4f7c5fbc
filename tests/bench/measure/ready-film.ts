import { apiPaths, MediaInfo, Rendition, segmentAt } from '@lodestream/shared';
import { buildMagnet, startGateway, startSeeder, type TestTorrent } from '@lodestream/testing';
import { z } from 'zod';
import { type FilmRenditions, pickRenditions } from './raw-ffmpeg.ts';
import { type ReadyFilm, saveReadyFilm } from './ready-page.ts';

const Media = MediaInfo.extend({ renditions: z.array(Rendition) });

export type FloorMaterial = AsyncDisposable & { renditions: FilmRenditions; film: ReadyFilm };

/** What a player shows, and a little more, before it asks for the next segment. */
const SHOWN_SECONDS = 2;

/** What the floors need of a film: its renditions, and the segments of these times ready on the disk. */
export async function prepareFloor(torrent: TestTorrent, seconds: readonly number[]): Promise<FloorMaterial> {
  await using seeder = await startSeeder({ client: 'libtorrent', torrent });
  await using gateway = await startGateway();
  await postMagnet(gateway.baseUrl, buildMagnet(torrent, [seeder]));
  const renditions = await fetchRenditions(gateway.baseUrl, torrent);
  const segments = [renditions.video, renditions.audio].map(({ id, timeline }) => {
    const shown = seconds.flatMap((time) => [segmentAt(timeline, time), segmentAt(timeline, time + SHOWN_SECONDS)]);
    return { renditionId: id, segmentIndexes: [...new Set(shown)] };
  });
  const film = await saveReadyFilm(`${gateway.baseUrl}${apiPaths.multivariantPlaylist(torrent.infoHash, 0)}`, segments);
  return { renditions, film, [Symbol.asyncDispose]: () => film[Symbol.asyncDispose]() };
}

export async function postMagnet(baseUrl: string, magnet: string): Promise<void> {
  const response = await fetch(`${baseUrl}${apiPaths.torrents()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ magnet }),
  });
  if (!response.ok) throw new Error(`the magnet was refused: ${response.status} ${await response.text()}`);
}

export async function fetchRenditions(baseUrl: string, torrent: TestTorrent): Promise<FilmRenditions> {
  const response = await fetch(`${baseUrl}${apiPaths.media(torrent.infoHash, 0)}`);
  if (!response.ok) throw new Error(`the film was not probed: ${response.status} ${await response.text()}`);
  return pickRenditions(Media.parse(await response.json()).renditions);
}
