import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TONE_STEPS, toneHz } from './tone.ts';

const SAMPLE_RATE = 16_000;
const TIMEOUT_MS = 60_000;
/** An hour of sound at 16 kHz, 16 bit. */
const MAX_BYTES = 3600 * SAMPLE_RATE * 2;
/** The middle of each second: its edges belong to codec delays. */
const FROM_SECOND = 0.25;
const TO_SECOND = 0.75;
/** A tone that is there is 40 dB above its neighbours; this is far below the one and far above the other. */
const MIN_SHARE = 0.5;

/** Decodes a file's sound and says which step of the track's scale each second plays; null where none of them does. */
export async function readTones(path: string, trackIndex: number, inputArgs: readonly string[] = []): Promise<(number | null)[]> {
  const args = [
    '-nostdin',
    '-v',
    'error',
    ...inputArgs,
    '-i',
    path,
    '-map',
    '0:a:0',
    '-ac',
    '1',
    '-ar',
    String(SAMPLE_RATE),
    '-f',
    's16le',
    '-',
  ];
  const { stdout } = await promisify(execFile)('ffmpeg', args, { encoding: 'buffer', maxBuffer: MAX_BYTES, timeout: TIMEOUT_MS });
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1);
  // A last second counts when its middle is there.
  const seconds = Math.floor(samples.length / SAMPLE_RATE + (1 - TO_SECOND));
  return Array.from({ length: seconds }, (_, second) =>
    pickStep(samples.subarray((second + FROM_SECOND) * SAMPLE_RATE, (second + TO_SECOND) * SAMPLE_RATE), trackIndex),
  );
}

function pickStep(samples: Int16Array, trackIndex: number): number | null {
  const powers = Array.from({ length: TONE_STEPS }, (_, step) => tonePower(samples, toneHz(trackIndex, step)));
  const total = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const best = powers.indexOf(Math.max(...powers));
  return total > 0 && (powers[best] ?? 0) / total > MIN_SHARE ? best : null;
}

/** Power of one frequency (Goertzel). */
function tonePower(samples: Int16Array, hz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / SAMPLE_RATE);
  let before = 0;
  let last = 0;
  for (const sample of samples) {
    const now = sample + coefficient * last - before;
    before = last;
    last = now;
  }
  const magnitude = last * last + before * before - coefficient * last * before;
  return (2 * magnitude) / (samples.length * samples.length);
}
