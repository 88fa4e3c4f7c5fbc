import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runProcess } from '../processes/start-process.ts';
import { buildFrameNumberFilter } from './frame-number.ts';
import { buildToneSource } from './tone.ts';

const CACHE_DIR = join(tmpdir(), 'lodestream-clips');
/** A minute of 1080p takes about 20 s on two cores. */
const ENCODE_TIMEOUT_MS = 300_000;

export type ClipAudio = {
  codec: 'aac' | 'ac3' | 'mp3' | 'opus' | 'flac';
  sampleRate?: number;
  channels?: 1 | 2 | 6;
  /** ISO 639-2, as Matroska and mp4 keep it: `eng`. */
  language?: string;
  title?: string;
  /**
   * Keep the encoder's priming before 0, as a plain ffmpeg command does: the muxer then moves everything, and the picture
   * begins 21 ms late, half a frame beside the grid. Without it picture and sound both begin at 0.
   */
  hasPriming?: boolean;
};

export type ClipRecipe = {
  durationSeconds: number;
  width?: number;
  height?: number;
  /** As ffmpeg writes it: `24000/1001`. */
  frameRate?: string;
  video?: 'h264' | 'mpeg4' | 'hevc' | 'vp9' | 'none';
  /** Distance of keyframes; a real film has one every 5 to 10 s. */
  keyframeSeconds?: number;
  bFrames?: number;
  audio?: readonly ClipAudio[];
  container?: 'mkv' | 'mp4' | 'ts' | 'avi' | 'webm';
  /** mp4 only: the index at the front. By default it is at the end, as most encoders leave it. */
  fastStart?: boolean;
  /** The file's name without its ending. */
  name?: string;
  /** More output options of ffmpeg, after ours. */
  extraArgs?: readonly string[];
};

export type Clip = Readonly<{
  path: string;
  /** The directory that holds nothing but the clip: `createTorrent({ dir, name })`. */
  dir: string;
  name: string;
  frameRate: Readonly<{ num: number; den: number }>;
  frameCount: number;
  /** Exactly `frameCount` frames. */
  durationSeconds: number;
  width: number;
  height: number;
  audio: readonly ClipAudio[];
}>;

/**
 * Makes a clip whose every frame shows its number and whose every second has its own tone; kept in the machine's temporary
 * directory by its recipe, so that it is encoded once.
 */
export async function makeClip(recipe: ClipRecipe): Promise<Clip> {
  const full = {
    width: 640,
    height: 360,
    frameRate: '24000/1001',
    video: 'h264' as const,
    keyframeSeconds: 5,
    bFrames: 3,
    audio: [{ codec: 'aac' }] as readonly ClipAudio[],
    container: 'mkv' as const,
    fastStart: false,
    name: 'clip',
    extraArgs: [] as readonly string[],
    ...recipe,
  };
  const [num = 24, den = 1] = full.frameRate.split('/').map(Number);
  const frameCount = Math.round((full.durationSeconds * num) / den);
  const durationSeconds = (frameCount * den) / num;
  const args = buildEncodeArgs({ ...full, frameCount, durationSeconds, framesPerSecond: num / den });
  const path = await cached(`${full.name}.${full.container}`, args);
  const { width, height, audio, name, container } = full;
  return {
    path,
    dir: dirname(path),
    name: `${name}.${container}`,
    frameRate: { num, den },
    frameCount,
    durationSeconds,
    width,
    height,
    audio,
  };
}

/**
 * A long film from a short clip, by copying: an hour of 720p is made in a second. Frame numbers repeat with the clip's
 * length. Seams of the copy may be a frame longer, so its length is what ffprobe says.
 */
export async function makeLongFilm(clip: Clip, durationSeconds: number): Promise<Clip> {
  const args = [
    '-stream_loop',
    '-1',
    '-i',
    clip.path,
    '-t',
    String(durationSeconds),
    '-map',
    '0:v',
    '-map',
    '0:a?',
    '-c',
    'copy',
  ];
  const path = await cached('long.mkv', [...args, '-f', 'matroska']);
  const { num, den } = clip.frameRate;
  return {
    ...clip,
    path,
    dir: dirname(path),
    name: 'long.mkv',
    durationSeconds,
    frameCount: Math.round((durationSeconds * num) / den),
  };
}

type EncodeRecipe = Required<ClipRecipe> & { frameCount: number; framesPerSecond: number };

function buildEncodeArgs(recipe: EncodeRecipe): string[] {
  const { width, height, audio, durationSeconds } = recipe;
  const hasVideo = recipe.video !== 'none';
  // The source ends by itself: `-frames:v` would end the sound with the encoder's last picture, most of a second early.
  const picture = `testsrc2=size=${width}x${height}:rate=${recipe.frameRate},trim=end_frame=${recipe.frameCount}`;
  const videoInput = hasVideo ? ['-f', 'lavfi', '-i', `${picture},${buildFrameNumberFilter(width, height)}`] : [];
  const audioInputs = audio.flatMap((track, index) => [
    '-f',
    'lavfi',
    '-i',
    buildToneSource(index, track.sampleRate ?? 48_000, track.channels ?? 2, durationSeconds),
  ]);
  const inputCount = audio.length + (hasVideo ? 1 : 0);
  const maps = Array.from({ length: inputCount }, (_, index) => ['-map', `${index}`]).flat();
  return [
    ...videoInput,
    ...audioInputs,
    ...maps,
    ...(hasVideo ? ['-pix_fmt', 'yuv420p', ...videoCodecArgs(recipe)] : []),
    ...audio.flatMap((track, index) => audioTrackArgs(track, index)),
    ...(recipe.container === 'mp4' && recipe.fastStart ? ['-movflags', '+faststart'] : []),
    ...recipe.extraArgs,
    '-f',
    { mkv: 'matroska', mp4: 'mp4', ts: 'mpegts', avi: 'avi', webm: 'webm' }[recipe.container],
  ];
}

function videoCodecArgs({ video, keyframeSeconds, framesPerSecond, bFrames }: EncodeRecipe): string[] {
  const gop = ['-g', String(Math.max(1, Math.round(keyframeSeconds * framesPerSecond)))];
  switch (video) {
    case 'h264':
      return ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-sc_threshold', '0', '-bf', String(bFrames), ...gop];
    case 'hevc':
      return ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', `log-level=error:bframes=${bFrames}`, ...gop];
    case 'vp9':
      return ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '1M', ...gop];
    case 'mpeg4':
      // The tag and the B-frames of the XviD files that torrents are full of.
      return ['-c:v', 'mpeg4', '-q:v', '4', '-vtag', 'XVID', '-bf', String(Math.min(bFrames, 2)), ...gop];
    case 'none':
      return [];
  }
}

function audioTrackArgs(track: ClipAudio, index: number): string[] {
  const codec = { aac: 'aac', ac3: 'ac3', mp3: 'libmp3lame', opus: 'libopus', flac: 'flac' }[track.codec];
  return [
    `-c:a:${index}`,
    codec,
    ...(track.language === undefined ? [] : [`-metadata:s:a:${index}`, `language=${track.language}`]),
    ...(track.title === undefined ? [] : [`-metadata:s:a:${index}`, `title=${track.title}`]),
    `-disposition:a:${index}`,
    index === 0 ? 'default' : '0',
    ...(track.hasPriming || track.codec === 'opus' ? [] : [`-bsf:a:${index}`, 'noise=drop=lt(pts\\,0)']),
  ];
}

/** Runs ffmpeg unless the same arguments have made the file before; two tests at once make it twice and one wins. */
async function cached(fileName: string, args: readonly string[]): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([fileName, ...args]))
    .digest('hex')
    .slice(0, 16);
  const dir = join(CACHE_DIR, key);
  const path = join(dir, fileName);
  if (await stat(path).catch(() => null)) return path;
  const making = join(CACHE_DIR, `making-${key}-${process.pid}`);
  await mkdir(dir, { recursive: true });
  try {
    await runProcess('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args, making], { timeoutMs: ENCODE_TIMEOUT_MS });
    await rename(making, path);
  } finally {
    await rm(making, { force: true });
  }
  return path;
}
