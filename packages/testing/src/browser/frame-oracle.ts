import { FRAME_NUMBER_MODULUS } from '../clips/frame-number.ts';
import type { ShownFrame } from './player-recorder.ts';

export type OracleOptions = {
  frameRate: { num: number; den: number };
  /** Where numbers begin again: the frame count of a clip that was looped. */
  modulus?: number;
};

/**
 * Compares what was shown with where the browser says it belongs: frame n is shown from n/fps on. Gives what is wrong, in
 * words; an empty list is good.
 */
export function judgeFrames(
  frames: readonly ShownFrame[],
  { frameRate, modulus = FRAME_NUMBER_MODULUS }: OracleOptions,
): string[] {
  return frames.flatMap(({ number, mediaTimeSeconds }) => {
    const expected = Math.round((mediaTimeSeconds * frameRate.num) / frameRate.den) % modulus;
    if (number === expected) return [];
    return [`at ${mediaTimeSeconds.toFixed(3)} s the picture is frame ${number}, not ${expected}`];
  });
}
