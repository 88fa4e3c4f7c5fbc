import { FRAME_NUMBER_MODULUS, frameDistance } from '../clips/frame-number.ts';
import type { ShownFrame } from './player-recorder.ts';

/** Rounding, and the frame that is just being replaced. */
const TOLERANCE_FRAMES = 1;
/** A look later than this says nothing; the faults that the oracle is for are seconds off. */
const MAX_LATE_SECONDS = 0.5;

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
  const framesPerSecond = frameRate.num / frameRate.den;
  return frames.flatMap(({ number, mediaTimeSeconds, lateSeconds = 0 }) => {
    if (lateSeconds > MAX_LATE_SECONDS) return [];
    const expected = Math.round(mediaTimeSeconds * framesPerSecond);
    // On a busy page the film has moved on before we look: forward by as much as that, never back.
    const ahead = (((number - expected) % modulus) + modulus) % modulus;
    if (ahead <= TOLERANCE_FRAMES + Math.ceil(lateSeconds * framesPerSecond)) return [];
    if (frameDistance(number, expected, modulus) <= TOLERANCE_FRAMES) return [];
    return [`at ${mediaTimeSeconds.toFixed(3)} s the picture is frame ${number}, not ${expected % modulus}`];
  });
}
