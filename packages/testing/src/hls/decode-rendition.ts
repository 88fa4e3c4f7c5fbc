import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFrameNumbers } from '../clips/read-frame-numbers.ts';
import { readTones } from '../clips/read-tones.ts';
import { runProcess } from '../processes/start-process.ts';
import { makeTempDir } from '../processes/temp-dir.ts';
import type { CheckedRendition } from './check-rendition.ts';

const DECODE_TIMEOUT_MS = 120_000;

/** The frame numbers of the fetched segments, decoded as one stream (segments must be neighbours). */
export function decodeFrameNumbers(rendition: CheckedRendition): Promise<number[]> {
  return withFile(rendition, (path) => readFrameNumbers(path));
}

/** The tone steps of the fetched segments, second by second from the start of the first. */
export function decodeTones(rendition: CheckedRendition, trackIndex: number): Promise<(number | null)[]> {
  return withFile(rendition, (path) => readTones(path, trackIndex));
}

/** One MD5 per decoded frame, in the order of presentation: equal for bit-exact encodes, whoever made them. */
export function decodeFrameMd5(rendition: CheckedRendition): Promise<string[]> {
  return withFile(rendition, async (path) => {
    const text = await runProcess('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-f', 'framemd5', '-'], {
      timeoutMs: DECODE_TIMEOUT_MS,
    });
    return text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(',').at(-1)?.trim() ?? '');
  });
}

/** Init and segments one after the other are a whole fragmented file. */
async function withFile<T>({ init, segments }: CheckedRendition, work: (path: string) => Promise<T>): Promise<T> {
  await using dir = await makeTempDir('decode');
  const path = join(dir.path, 'rendition.mp4');
  await writeFile(path, Buffer.concat([init, ...segments.map((segment) => segment.bytes)]));
  return await work(path);
}
