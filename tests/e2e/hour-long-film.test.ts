import {
  buildMagnet,
  createTorrent,
  launchBrowser,
  makeClip,
  makeLongFilm,
  openWatchPage,
  startGateway,
  startLibtorrentSeeder,
  type TestTorrent,
} from '@lodestream/testing';
import { describe, expect, it } from 'vitest';

const HOUR_SECONDS = 3600;
const KIB = 1024;
const MIB = 1024 * KIB;
/** A usual home line, and far less than a machine could take. */
const SEEDER_BYTES_PER_SECOND = 2 * MIB;
const HEAD_AND_TAIL_BYTES = 2 * MIB;
const START_MS = 60_000;

describe.each([256 * KIB, 4 * MIB])('an hour of film in pieces of %d bytes, from a seeder of 2 MB/s', (pieceLengthBytes) => {
  it('starts and seeks by fetching only what is shown', async () => {
    const clip = await makeClip({ durationSeconds: 60, width: 1280, height: 720, audio: [{ codec: 'aac' }] });
    const film = await makeLongFilm(clip, HOUR_SECONDS);
    const torrent = await createTorrent({ dir: film.dir, name: film.name, pieceLengthBytes });
    await using seeder = await startLibtorrentSeeder({
      torrent,
      dir: film.dir,
      address: '127.0.0.1',
      uploadBytesPerSecond: SEEDER_BYTES_PER_SECOND,
    });
    await using gateway = await startGateway();
    await using browser = await launchBrowser();

    const watch = await openWatchPage(browser, gateway.baseUrl, buildMagnet(torrent, [seeder]));
    await watch.waitForTime(0.04, START_MS);
    const uploaded = await seeder.uploadedBytes();
    const whole = Math.ceil(HEAD_AND_TAIL_BYTES / pieceLengthBytes) + 2 + 2;
    expect(uploaded, 'bytes sent by the seeder at the first frame').toBeLessThanOrEqual(
      Math.max(0.03 * torrent.lengthBytes, whole * pieceLengthBytes),
    );

    await watch.seek(50 * 60, START_MS);
    const untouched = piecesOfMinutes(torrent, 10, 45);
    const sent = new Set(await seeder.uploadedPieces());
    expect(
      untouched.filter((piece) => sent.has(piece)),
      'pieces of minutes 10 to 45 that were sent',
    ).toEqual([]);
    expect(watch.faults.errors).toEqual([]);
  });
});

/** The film is one clip over and over: its bytes are spread evenly over its time. */
function piecesOfMinutes(torrent: TestTorrent, from: number, to: number): number[] {
  const pieceAt = (minutes: number) => ((minutes / 60) * torrent.lengthBytes) / torrent.pieceLengthBytes;
  const first = Math.ceil(pieceAt(from));
  return Array.from({ length: Math.floor(pieceAt(to)) - first }, (_, i) => first + i);
}
