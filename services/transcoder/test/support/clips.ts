import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const exec = promisify(execFile);

export type ClipOptions = {
  rate: string;
  seconds: number;
  size?: string;
  /** Encoder and container options of the picture. */
  video?: string[];
  /** Encoder options of each audio track: pink noise is the first, a tone of 100 Hz the others. */
  audio?: string[][];
  audioSeconds?: number;
  extension?: string;
};

export type ClipFolder = Disposable & { path: string; make(name: string, options: ClipOptions): Promise<string> };

/** A folder of generated films: a counter picture that moves in every frame, and noise and tones. */
export function openClipFolder(): ClipFolder {
  const path = mkdtempSync(join(tmpdir(), 'lodestream-clips-'));
  return {
    path,
    async make(
      name,
      {
        rate,
        seconds,
        size = '160x90',
        video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '100'],
        audio = [],
        audioSeconds = seconds,
        extension = 'mkv',
      },
    ) {
      const file = join(path, `${name}.${extension}`);
      const tones = audio.flatMap((_, i) => [
        '-f',
        'lavfi',
        '-i',
        i === 0
          ? `anoisesrc=color=pink:seed=1:amplitude=0.3:r=48000:d=${audioSeconds}`
          : `sine=frequency=100:sample_rate=48000:duration=${audioSeconds}`,
      ]);
      const maps = audio.flatMap((options, i) => [
        '-map',
        `${i + 1}:a`,
        ...options.map((option) => (option.startsWith('-') ? `${option}:a:${i}` : option)),
      ]);
      await exec('ffmpeg', [
        ...['-v', 'error', '-nostdin', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`],
        ...tones,
        ...['-map', '0:v', ...video, '-pix_fmt', 'yuv420p'],
        ...maps,
        file,
      ]);
      return file;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

export const lengthOf = (file: string): number => statSync(file).size;
