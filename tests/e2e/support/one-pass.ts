import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clip, runProcess } from '@lodestream/testing';

const ENCODE_TIMEOUT_MS = 120_000;

/** What a film's runs must agree with: the same pictures and the same sound, encoded in one go. */
export type OnePass = { videoPath: string; audioPath: string };

/**
 * The quantiser of the exact comparison. By constant quality an encoder gives every frame what the frames before it left
 * over, so that two runs differ in what nobody sees; by a constant quantiser the same pictures make the same bits, and a
 * frame that is another one, or comes twice, makes others.
 */
const QUANTISER = '20';

/** Puts an ffmpeg into the folder that encodes with a constant quantiser instead of a constant quality; gives a PATH. */
export async function installConstantQuantiser(dir: string): Promise<string> {
  const path = process.env.PATH ?? '/usr/bin:/bin';
  const script = `#!/bin/sh
PATH='${path}'
for argument in "$@"; do
  shift
  [ "$argument" = -crf ] && argument=-qp && is_next=yes && set -- "$@" -qp && continue
  [ "$is_next" = yes ] && argument=${QUANTISER} && is_next=no
  set -- "$@" "$argument"
done
exec ffmpeg "$@"
`;
  const file = join(dir, 'ffmpeg');
  await writeFile(file, script);
  await chmod(file, 0o755);
  return `${dir}:${path}`;
}

/**
 * Encodes the whole film at once, by the commands of the runs without anything that makes them start in the middle. Sound is
 * as long as the playlist says, with silence where the source ends before.
 */
export async function encodeInOnePass(clip: Clip, soundSeconds: number, dir: string): Promise<OnePass> {
  const videoPath = join(dir, 'video.mp4');
  const audioPath = join(dir, 'audio.mp4');
  const input = ['-nostdin', '-v', 'error', '-threads', '1', '-i', clip.path];
  const { num, den } = clip.frameRate;
  const picture = `fps=${num}/${den}:round=near:start_time=0,scale=${clip.width}:${clip.height}:out_range=limited,format=yuv420p`;
  await runProcess(
    'ffmpeg',
    [
      ...input,
      ...['-map', '0:v:0', '-vf', picture, '-fps_mode', 'passthrough', '-c:v', 'libx264', '-preset', 'veryfast'],
      // The level is the rendition's: it bounds the motion that the encoder looks for.
      ...['-profile:v', 'high', '-level:v', '3.0', '-qp', QUANTISER],
      ...['-g', '48', '-keyint_min', '48', '-sc_threshold', '0', '-forced-idr', '1'],
      ...['-force_key_frames', 'expr:eq(mod(n,48),0)', '-x264-params', 'rc-lookahead=5:sync-lookahead=0'],
      ...['-threads', '1', videoPath],
    ],
    { timeoutMs: ENCODE_TIMEOUT_MS },
  );
  const samples = Math.round(soundSeconds * 48_000);
  const sound = `aresample=48000,aresample=async=1:min_hard_comp=0.1:first_pts=0,aformat=channel_layouts=stereo,apad,atrim=end_pts=${samples}`;
  await runProcess(
    'ffmpeg',
    [
      ...input,
      ...['-map', '0:a:0', '-af', sound, '-c:a', 'aac', '-q:a', '1.2', '-bsf:a', 'noise=drop=lt(pts*tb\\,-0.005)'],
      ...['-avoid_negative_ts', 'disabled', '-f', 'mp4', '-movflags', '+frag_keyframe+empty_moov+delay_moov', audioPath],
    ],
    { timeoutMs: ENCODE_TIMEOUT_MS },
  );
  return { videoPath, audioPath };
}

/** A hash of every decoded frame of picture or of sound, with the time at which it is shown, in seconds. */
export async function hashFrames(path: string): Promise<{ seconds: number; hash: string }[]> {
  const text = await runProcess(
    'ffmpeg',
    ['-nostdin', '-v', 'error', '-i', path, '-fps_mode', 'passthrough', '-f', 'framemd5', '-'],
    {
      timeoutMs: ENCODE_TIMEOUT_MS,
    },
  );
  const lines = text.split('\n').filter((line) => line !== '');
  const [, num = 1, den = 1] = (/^#tb 0: (\d+)\/(\d+)$/m.exec(text) ?? []).map(Number);
  return lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => {
      const fields = line.split(',').map((field) => field.trim());
      return { seconds: (Number(fields[2]) * num) / den, hash: fields[5] ?? '' };
    });
}
