import { apiPaths } from '@lodestream/shared';
import {
  buildMagnet,
  type Clip,
  type ClipRecipe,
  createTorrent,
  type LibtorrentPeer,
  type MediaPlaylist,
  makeClip,
  readMediaPlaylist,
  readMultivariantPlaylist,
  startLibtorrentSeeder,
  type TestGateway,
  type TestTorrent,
} from '@lodestream/testing';

const POST_TIMEOUT_MS = 10_000;
/** A keyframe every second and small pieces: a read for a moment of the film needs little more than that moment. */
const PIECE_LENGTH_BYTES = 32 * 1024;

export type SmallFilm = AsyncDisposable & { clip: Clip; torrent: TestTorrent; seeder: LibtorrentPeer; magnet: string };

/** A film that two busy cores encode many times faster than it plays, with one seeder. */
export async function seedSmallFilm(recipe: ClipRecipe): Promise<SmallFilm> {
  const clip = await makeClip({ width: 320, height: 180, keyframeSeconds: 1, name: 'film', ...recipe });
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name, pieceLengthBytes: PIECE_LENGTH_BYTES });
  const seeder = await startLibtorrentSeeder({ torrent, dir: clip.dir, address: '127.0.0.1' });
  const magnet = buildMagnet(torrent, [seeder]);
  return { clip, torrent, seeder, magnet, [Symbol.asyncDispose]: () => seeder[Symbol.asyncDispose]() };
}

export async function postMagnet(gateway: Pick<TestGateway, 'baseUrl'>, magnet: string): Promise<number> {
  const response = await fetch(`${gateway.baseUrl}${apiPaths.torrents()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ magnet }),
    signal: AbortSignal.timeout(POST_TIMEOUT_MS),
  });
  await response.arrayBuffer();
  return response.status;
}

/** The best picture and the sound of the film, as a player finds them. */
export async function openFilm(
  gateway: Pick<TestGateway, 'baseUrl'>,
  { magnet, torrent }: Pick<SmallFilm, 'magnet' | 'torrent'>,
): Promise<{ video: MediaPlaylist; audio: MediaPlaylist }> {
  const status = await postMagnet(gateway, magnet);
  if (status !== 201 && status !== 200) throw new Error(`the magnet was answered with ${status}`);
  const { variants, audio } = await readMultivariantPlaylist(
    `${gateway.baseUrl}${apiPaths.multivariantPlaylist(torrent.infoHash, 0)}`,
  );
  const [video, sound] = await Promise.all([readMediaPlaylist(variants[0]?.url ?? ''), readMediaPlaylist(audio[0]?.url ?? '')]);
  return { video, audio: sound };
}
