import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The grid of the fixture film: 24 pictures a second, parts of 12 pictures, 20 parts a segment; sound in parts of 24 AAC frames. */
export const FRAMES_PER_SECOND = 24;
export const FILM_SECONDS = 120;
const PARTS_PER_SEGMENT = 20;
const VIDEO_SEGMENT_SECONDS = 10;
const AUDIO_SEGMENT_SECONDS = 10.24;
/** Boxes in the picture, one for each bit of the frame's number, least significant first. */
export const FRAME_NUMBER_BITS = 12;

export interface FixtureRendition {
  id: string;
  init: Buffer;
  /** Each segment as its parts, in order. */
  segments: Buffer[][];
  playlist: string;
}

/** All of it in memory: nothing is left on the disk. */
export interface FixtureMedia {
  multivariantPlaylist: string;
  renditions: Map<string, FixtureRendition>;
}

/** A two minute film with its frame numbers drawn into the picture, two audio languages, made by ffmpeg as the transcoder makes it. */
export async function makeFixtureMedia(): Promise<FixtureMedia> {
  const folder = await mkdtemp(join(tmpdir(), 'lodestream-web-fixture-'));
  try {
    const video = await makeRendition(folder, 'v360-00000001', VIDEO_SEGMENT_SECONDS, videoArguments());
    const english = await makeRendition(folder, 'a1-00000002', AUDIO_SEGMENT_SECONDS, audioArguments(440));
    const german = await makeRendition(folder, 'a2-00000003', AUDIO_SEGMENT_SECONDS, audioArguments(660));
    return {
      multivariantPlaylist: multivariantPlaylist(video, english, german),
      renditions: new Map([video, english, german].map((rendition) => [rendition.id, rendition])),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function videoArguments(): string[] {
  const boxes = Array.from(
    { length: FRAME_NUMBER_BITS },
    (_, bit) =>
      `drawbox=x=${48 * bit + 6}:y=4:w=36:h=40:color=white:t=fill:enable='gte(mod(n\\,${2 ** (bit + 1)})\\,${2 ** bit})'`,
  );
  const filter = ['drawbox=x=0:y=0:w=iw:h=48:color=black:t=fill', ...boxes, 'format=yuv420p'].join(',');
  return [
    ...['-f', 'lavfi', '-i', `color=c=0x24405c:size=640x360:rate=${FRAMES_PER_SECOND}:duration=${FILM_SECONDS}`, '-vf', filter],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '28', '-profile:v', 'high', '-level:v', '3.0', '-threads', '2'],
    ...['-g', '48', '-keyint_min', '48', '-sc_threshold', '0', '-force_key_frames', 'expr:eq(mod(n,48),0)'],
    ...['-hls_time', '0.5'],
  ];
}

function audioArguments(hertz: number): string[] {
  return [
    ...['-f', 'lavfi', '-i', `sine=frequency=${hertz}:sample_rate=48000:duration=${FILM_SECONDS}`, '-af', 'volume=0.2'],
    // Without the encoder's priming packet: its time is below zero, which fMP4 cannot say, and the timeline would be off by a day.
    ...['-ac', '2', '-c:a', 'aac', '-b:a', '96k', '-bsf:a', 'noise=drop=lt(pts*tb\\,-0.005)', '-hls_time', '0.512'],
  ];
}

async function makeRendition(folder: string, id: string, segmentSeconds: number, args: string[]): Promise<FixtureRendition> {
  await run('mkdir', ['-p', join(folder, id)]);
  await run('ffmpeg', [
    ...['-nostdin', '-v', 'error', '-y', ...args, '-avoid_negative_ts', 'disabled'],
    ...['-f', 'hls', '-hls_list_size', '0', '-hls_flags', 'temp_file+split_by_time', '-hls_segment_type', 'fmp4'],
    ...['-hls_segment_options', 'movflags=+frag_discont+negative_cts_offsets+default_base_moof+skip_sidx'],
    ...[
      '-hls_fmp4_init_filename',
      'init.mp4',
      '-hls_segment_filename',
      join(folder, id, '%d.m4s'),
      join(folder, id, 'parts.m3u8'),
    ],
  ]);
  const made = await readFile(join(folder, id, 'parts.m3u8'), 'utf8');
  const partCount = made.split('\n').filter((line) => line.endsWith('.m4s')).length;
  const parts = await Promise.all(Array.from({ length: partCount }, (_, index) => readFile(join(folder, id, `${index}.m4s`))));
  const segments: Buffer[][] = [];
  for (let first = 0; first < parts.length; first += PARTS_PER_SEGMENT)
    segments.push(parts.slice(first, first + PARTS_PER_SEGMENT));
  return {
    id,
    init: await readFile(join(folder, id, 'init.mp4')),
    segments,
    playlist: mediaPlaylist(segments.length, segmentSeconds),
  };
}

function mediaPlaylist(segmentCount: number, segmentSeconds: number): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-TARGETDURATION:10',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-MEDIA-SEQUENCE:0',
  ];
  lines.push('#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-MAP:URI="init.mp4"');
  for (let index = 0; index < segmentCount; index += 1) {
    const seconds = Math.min(segmentSeconds, FILM_SECONDS - index * segmentSeconds);
    lines.push(`#EXTINF:${seconds.toFixed(6)},`, `${index}.m4s`);
  }
  return `${[...lines, '#EXT-X-ENDLIST'].join('\n')}\n`;
}

function multivariantPlaylist(video: FixtureRendition, english: FixtureRendition, german: FixtureRendition): string {
  return `${[
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="${english.id}/index.m3u8"`,
    `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="2",URI="${german.id}/index.m3u8"`,
    '#EXT-X-STREAM-INF:BANDWIDTH=1500000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=24,AUDIO="a"',
    `${video.id}/index.m3u8`,
  ].join('\n')}\n`;
}
