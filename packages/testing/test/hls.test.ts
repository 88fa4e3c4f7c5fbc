import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  checkRendition,
  decodeFrameMd5,
  decodeFrameNumbers,
  decodeTones,
  makeClip,
  makeTempDir,
  readAvcCodec,
  readMultivariantPlaylist,
  runProcess,
} from '../src/index.ts';

/** Two seconds at 25 frames. */
const SEGMENT_FRAMES = 50;
const SECONDS = 7;

let dir: Awaited<ReturnType<typeof makeTempDir>>;
let baseUrl: string;
let server: ReturnType<typeof createServer>;

/** Plain ffmpeg makes the HLS that the checker is tried on: by the recipe of one run from 0, picture and sound apart. */
beforeAll(async () => {
  dir = await makeTempDir('hls');
  const clip = await makeClip({ durationSeconds: SECONDS, frameRate: '25', container: 'mp4', width: 320, height: 180 });
  const mux = (name: string, seconds: string) => [
    ...['-f', 'hls', '-hls_time', seconds, '-hls_list_size', '0', '-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4'],
    ...['-hls_segment_options', 'movflags=+frag_discont+negative_cts_offsets+default_base_moof+skip_sidx'],
    ...[
      '-hls_fmp4_init_filename',
      `${name}-init.mp4`,
      '-hls_segment_filename',
      join(dir.path, `${name}-%d.m4s`),
      join(dir.path, `${name}.m3u8`),
    ],
  ];
  const keyframes = ['-g', String(SEGMENT_FRAMES), '-keyint_min', String(SEGMENT_FRAMES), '-sc_threshold', '0'];
  const video = ['-map', '0:v', '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-profile:v', 'main', ...keyframes];
  // The first AAC frame is priming, before 0: moved to 0 here, dropped in a real run.
  const audio = ['-map', '0:a', '-c:a', 'aac', '-ar', '48000'];
  const input = ['-nostdin', '-v', 'error', '-i', clip.path];
  await runProcess('ffmpeg', [...input, ...video, '-avoid_negative_ts', 'disabled', ...mux('v', '1.999999')], {
    timeoutMs: 60_000,
  });
  await runProcess('ffmpeg', [...input, ...audio, '-avoid_negative_ts', 'make_zero', ...mux('a', '2.048')], {
    timeoutMs: 60_000,
  });
  await writeFile(
    join(dir.path, 'index.m3u8'),
    '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="a.m3u8"\n' +
      '#EXT-X-STREAM-INF:BANDWIDTH=500000,CODECS="avc1.4d400c,mp4a.40.2",RESOLUTION=320x180,AUDIO="a"\nv.m3u8\n',
  );
  server = createServer(async (request, response) => {
    const bytes = await readFile(join(dir.path, request.url ?? '')).catch(() => null);
    if (!bytes) return void response.writeHead(404).end();
    response
      .writeHead(200, { 'content-type': request.url?.endsWith('m3u8') ? 'application/vnd.apple.mpegurl' : 'video/mp4' })
      .end(bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  baseUrl = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(async () => {
  server.close();
  await dir[Symbol.asyncDispose]();
});

test('two parsers agree on a multivariant playlist', async () => {
  const playlist = await readMultivariantPlaylist(`${baseUrl}/index.m3u8`);
  expect(playlist.variants[0]).toMatchObject({ codecs: 'avc1.4d400c,mp4a.40.2', resolution: '320x180' });
  expect(playlist.audio).toEqual([{ url: `${baseUrl}/a.m3u8`, name: 'English', language: 'en', isDefault: true }]);
});

test('good segments pass, with every frame once and the tone of every second', async () => {
  const video = await checkRendition(`${baseUrl}/v.m3u8`, { segmentIndexes: [2, 0, 3, 1] });
  expect(video).toMatchObject({ kind: 'video' });
  expect(video.segments.map((segment) => segment.frameCount)).toEqual([50, 50, 50, 25]);
  expect(readAvcCodec(video.init)).toBe('avc1.4D400C');
  const numbers = await decodeFrameNumbers(video);
  expect(numbers).toEqual(Array.from({ length: SECONDS * 25 }, (_, n) => n));
  expect(await decodeFrameMd5(video)).toHaveLength(SECONDS * 25);
  const { init, ...audio } = await checkRendition(`${baseUrl}/a.m3u8`);
  expect(audio.kind).toBe('audio');
  expect((await decodeTones({ init, ...audio }, 0)).slice(0, SECONDS)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test.each([
  ['a segment that was cut', 'v-1.m4s', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1000), /does not fit|cut off/],
  ['a segment of another place', 'v-1.m4s', () => readFile(join(dir.path, 'v-2.m4s')), /the playlist says 2/],
  [
    'an EXTINF that is a frame too long',
    'v.m3u8',
    (bytes: Buffer) => Buffer.from(bytes.toString().replace('2.000000', '2.040000')),
    /the playlist says 2\.04/,
  ],
  [
    'a playlist that never ends',
    'v.m3u8',
    (bytes: Buffer) => Buffer.from(bytes.toString().replace('#EXT-X-ENDLIST', '')),
    /ENDLIST/,
  ],
])('%s is found', async (_name, file, damage, message) => {
  const path = join(dir.path, file);
  const good = await readFile(path);
  await writeFile(path, await damage(good));
  try {
    await expect(checkRendition(`${baseUrl}/v.m3u8`)).rejects.toThrow(message);
  } finally {
    await writeFile(path, good);
  }
});
