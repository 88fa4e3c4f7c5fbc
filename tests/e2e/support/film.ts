import { apiPaths } from '@lodestream/shared';
import {
  buildMagnet,
  type Clip,
  type CreateTorrentOptions,
  createTorrent,
  type LibtorrentPeer,
  type MultivariantPlaylist,
  makeClip,
  pickLoopbackAddress,
  readMultivariantPlaylist,
  startLibtorrentSeeder,
  type TestGateway,
  type TestTorrent,
} from '@lodestream/testing';

/** More than eighteen segments; small, because what is shown where does not depend on its size. */
const SMALL_FILM_SECONDS = 185;

/** The small film of these tests: 23.976 fps with B-frames, two tracks of 48 kHz; frame numbers begin again at 4096. */
export function makeSmallFilm(): Promise<Clip> {
  return makeClip({
    durationSeconds: SMALL_FILM_SECONDS,
    width: 320,
    height: 180,
    audio: [
      { codec: 'aac', language: 'eng', title: 'Original' },
      { codec: 'ac3', language: 'deu', title: 'Deutsch' },
    ],
    name: 'film',
  });
}

export type SeededFilm = AsyncDisposable & { torrent: TestTorrent; seeder: LibtorrentPeer; magnet: string };

/** A torrent of the clip and somebody who has all of it. */
export async function seedFilm(
  clip: Clip,
  options: Pick<CreateTorrentOptions, 'pieceLengthBytes'> & { uploadBytesPerSecond?: number } = {},
): Promise<SeededFilm> {
  const { uploadBytesPerSecond, ...torrentOptions } = options;
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name, ...torrentOptions });
  const seeder = await startLibtorrentSeeder({ torrent, dir: clip.dir, address: pickLoopbackAddress(), uploadBytesPerSecond });
  return {
    torrent,
    seeder,
    magnet: buildMagnet(torrent, [seeder]),
    [Symbol.asyncDispose]: () => seeder[Symbol.asyncDispose](),
  };
}

/** Opens the magnet through the API and gives the playlists of its only file. */
export async function openFilm(gateway: TestGateway, magnet: string, infoHash: string): Promise<MultivariantPlaylist> {
  const posted = await fetch(`${gateway.baseUrl}${apiPaths.torrents()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ magnet }),
  });
  if (!posted.ok) throw new Error(`the magnet was refused: ${await posted.text()}`);
  return readMultivariantPlaylist(`${gateway.baseUrl}${apiPaths.multivariantPlaylist(infoHash, 0)}`);
}
