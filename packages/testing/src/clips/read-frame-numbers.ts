import { spawn } from 'node:child_process';
import { boxCentres, FRAME_NUMBER_BITS } from './frame-number.ts';

/** The picture is scaled to this before it is read: five pixels a cell, six rows in the bar. */
const WIDTH = FRAME_NUMBER_BITS * 5;
const HEIGHT = 36;
const TIMEOUT_MS = 60_000;

/**
 * Decodes a file (or a playlist, or what comes before `inputArgs`) with ffmpeg and reads the number in every frame, in the
 * order of presentation. Any complaint of ffmpeg's is an error.
 */
export function readFrameNumbers(input: string, inputArgs: readonly string[] = []): Promise<number[]> {
  const filter = `scale=${WIDTH}:${HEIGHT}:flags=area,format=gray`;
  const args = [
    '-nostdin',
    '-v',
    'error',
    ...inputArgs,
    '-i',
    input,
    '-map',
    '0:v:0',
    '-vf',
    filter,
    '-fps_mode',
    'passthrough',
    '-enc_time_base',
    '-1',
  ];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'ffmpeg', ...args, '-f', 'rawvideo', '-'], {
    timeout: TIMEOUT_MS,
  });
  const chunks: Buffer[] = [];
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4096);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== 0 || complaints !== '')
        reject(new Error(`ffmpeg could not decode ${input} cleanly (${code}):\n${complaints}`));
      else resolve(splitFrames(Buffer.concat(chunks)).map(readNumber));
    });
  });
}

function splitFrames(picture: Buffer): Buffer[] {
  const size = WIDTH * HEIGHT;
  return Array.from({ length: picture.length / size }, (_, n) => picture.subarray(n * size, (n + 1) * size));
}

function readNumber(frame: Buffer): number {
  return boxCentres().reduce((number, { x, y }, bit) => {
    const brightness = frame[Math.floor(y * HEIGHT) * WIDTH + Math.floor(x * WIDTH)] ?? 0;
    return brightness > 128 ? number + 2 ** bit : number;
  }, 0);
}
