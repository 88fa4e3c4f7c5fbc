import { availableParallelism } from 'node:os';
import type { AudioRendition, Rendition, VideoRendition } from '@lodestream/shared';
import { makeTempDir, runProcess } from '@lodestream/testing';

/** As the gateway's own default (LODESTREAM_FFMPEG_THREADS). */
const MAX_THREADS = 4;
const TIMEOUT_MS = 300_000;

/** The settings that decide the picture, as in a run; hls.md names the reason of each. */
function videoArgs({ encoding, timeline }: VideoRendition): string[] {
  const threads = String(Math.min(availableParallelism(), MAX_THREADS));
  const idr = String(timeline.framesPerIdr);
  return [
    ...['-c:v', 'libx264', '-preset', encoding.preset, '-profile:v', 'high', '-level:v', (encoding.level / 10).toFixed(1)],
    ...['-crf', String(encoding.crf), '-maxrate', String(encoding.maxBitrateBitsPerSecond)],
    ...['-bufsize', String(2 * encoding.maxBitrateBitsPerSecond), '-threads', threads],
    ...['-g', idr, '-keyint_min', idr, '-sc_threshold', '0', '-x264-params', 'rc-lookahead=5:sync-lookahead=0'],
    ...['-vf', `scale=${encoding.width}:${encoding.height},format=yuv420p`],
  ];
}

const AUDIO_ARGS = ['-ac', '2', '-ar', '48000', '-c:a', 'aac', '-q:a', '1.2'];

export type FilmRenditions = { video: VideoRendition; audio: AudioRendition };

export function pickRenditions(renditions: readonly Rendition[]): FilmRenditions {
  const video = renditions.find((rendition) => rendition.kind === 'video');
  const audio = renditions.find((rendition) => rendition.kind === 'audio');
  if (!video || !audio) throw new Error('the film has a picture and sound');
  return { video, audio };
}

/** The time from the start of a bare ffmpeg on the file until one second from there is made, picture and sound; in ms. */
export async function makeOneSecond(path: string, { video, audio }: FilmRenditions, fromSeconds: number): Promise<number> {
  await using dir = await makeTempDir('second');
  const seek = fromSeconds > 0 ? ['-ss', fromSeconds.toFixed(6)] : [];
  const maps = ['-map', `0:${video.streamIndex}`, '-map', `0:${audio.streamIndex}`];
  const startedAt = performance.now();
  await runProcess(
    'ffmpeg',
    [
      '-nostdin',
      '-v',
      'error',
      ...seek,
      '-i',
      path,
      ...maps,
      '-t',
      '1',
      ...videoArgs(video),
      ...AUDIO_ARGS,
      `${dir.path}/second.mp4`,
    ],
    { timeoutMs: TIMEOUT_MS },
  );
  return performance.now() - startedAt;
}

export type OnePass = { wallMs: number; cpuMs: number };

/** The whole film to HLS in one pass of one ffmpeg, parts and settings as in a run. */
export async function makeWholeHls(path: string, { video, audio }: FilmRenditions): Promise<OnePass> {
  await using dir = await makeTempDir('whole');
  const hls = (rendition: Rendition, name: string) => {
    const { framesPerPart, frameTicks, timescale } = rendition.timeline;
    const partSeconds = Math.floor((framesPerPart * frameTicks * 1e6) / timescale) / 1e6;
    return [
      ...['-f', 'hls', '-hls_time', partSeconds.toFixed(6), '-hls_list_size', '2', '-hls_flags', 'temp_file+split_by_time'],
      ...['-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', `${name}.mp4`],
      ...['-hls_segment_filename', `${dir.path}/${name}%d.m4s`, `${dir.path}/${name}.m3u8`],
    ];
  };
  const picture = ['-map', `0:${video.streamIndex}`, ...videoArgs(video), ...hls(video, 'v')];
  const sound = ['-map', `0:${audio.streamIndex}`, ...AUDIO_ARGS, ...hls(audio, 'a')];
  const startedAt = performance.now();
  // `-benchmark` says the CPU time at the end: `bench: utime=1.2s stime=0.1s rtime=0.7s`.
  const args = ['-nostdin', '-v', 'info', '-nostats', '-benchmark', '-i', path, ...picture, ...sound];
  const output = await runWithStderr(args);
  const wallMs = performance.now() - startedAt;
  const [, user, system] = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(output) ?? [];
  return { wallMs, cpuMs: (Number(user) + Number(system)) * 1000 };
}

async function runWithStderr(args: readonly string[]): Promise<string> {
  return runProcess('sh', ['-c', 'exec ffmpeg "$@" 2>&1', 'ffmpeg', ...args], { timeoutMs: TIMEOUT_MS });
}
