import {
  buildMagnet,
  type Clip,
  createTorrent,
  makeClip,
  startGateway,
  startSeeder,
  type TestGateway,
  type TestTorrent,
} from '@lodestream/testing';
import type { FilmRenditions } from './raw-ffmpeg.ts';
import { fetchRenditions, postMagnet } from './ready-film.ts';

export type OpenFilm = AsyncDisposable & {
  clip: Clip;
  torrent: TestTorrent;
  gateway: TestGateway;
  renditions: FilmRenditions;
  /** The URL of a segment, or of the init. */
  url(kind: 'video' | 'audio', segment: number | 'init'): string;
};

export type FilmSize = { durationSeconds: number; width: number; height: number };

/** A film that has been probed at a gateway of its own: what comes next is segments only. */
export async function openFilm(size: FilmSize, settings: Record<string, string> = {}): Promise<OpenFilm> {
  const clip = await makeClip({ name: 'film', keyframeSeconds: 7, audio: [{ codec: 'ac3', channels: 2 }], ...size });
  const torrent = await createTorrent({ dir: clip.dir, name: clip.name });
  const stack = new AsyncDisposableStack();
  try {
    const seeder = stack.use(await startSeeder({ client: 'libtorrent', torrent }));
    const gateway = stack.use(await startGateway({ settings }));
    await postMagnet(gateway.baseUrl, buildMagnet(torrent, [seeder]));
    const renditions = await fetchRenditions(gateway.baseUrl, torrent);
    const base = `${gateway.baseUrl}/api/v1/torrents/${torrent.infoHash}/files/0/hls`;
    return {
      clip,
      torrent,
      gateway,
      renditions,
      url: (kind, segment) => `${base}/${renditions[kind].id}/${segment === 'init' ? 'init.mp4' : `${segment}.m4s`}`,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Reads a body to its end and gives its length; a refusal that asks to come again is obeyed. */
export async function readAll(url: string): Promise<number> {
  for (;;) {
    const response = await fetch(url);
    if (response.status === 503) {
      await response.arrayBuffer();
      continue;
    }
    if (!response.ok) throw new Error(`${response.status} ${url}`);
    return (await response.arrayBuffer()).byteLength;
  }
}

/** The time until more than so many bytes of a body have come, in ms; `rest` is done when all have. */
export async function readPast(url: string, pastBytes: number): Promise<{ afterMs: number; rest: Promise<void> }> {
  const startedAt = performance.now();
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${response.status} ${url}`);
  const reader = response.body.getReader();
  for (let read = 0; read <= pastBytes; ) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`${url} ends after ${read} bytes`);
    read += value.length;
  }
  const afterMs = performance.now() - startedAt;
  const drain = async () => {
    while (!(await reader.read()).done) {}
  };
  const rest = drain();
  // Who does not wait for the rest is not told that the gateway was stopped in the middle of it.
  rest.catch(() => {});
  return { afterMs, rest };
}
