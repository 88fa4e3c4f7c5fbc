import { type Clip, createTorrent, makeClip, type TestTorrent } from '@lodestream/testing';

/** Long enough for a far seek and for a few runs; encoded once and kept. */
const FILM_SECONDS = 150;
/** What films of one to four gigabytes are cut into. */
const PIECE_LENGTH_BYTES = 1024 * 1024;

/**
 * The film of the latency measures: 1080p H.264 with B-frames and a keyframe every 7 s, which is seldom
 * where a segment begins, AC-3, Matroska.
 */
export function makeFilm(): Promise<Clip> {
  return makeClip({
    name: 'film',
    durationSeconds: FILM_SECONDS,
    width: 1920,
    height: 1080,
    frameRate: '24000/1001',
    keyframeSeconds: 7,
    audio: [{ codec: 'ac3', channels: 2, language: 'eng' }],
  });
}

export function makeFilmTorrent(film: Clip): Promise<TestTorrent> {
  return createTorrent({ dir: film.dir, name: film.name, pieceLengthBytes: PIECE_LENGTH_BYTES });
}
