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
  const isOf = (number: number, seconds: number, lateSeconds: number) => {
    const expected = Math.round(seconds * framesPerSecond);
    // On a busy page the film has moved on before we look: forward by as much as that, never back.
    const ahead = (((number - expected) % modulus) + modulus) % modulus;
    if (ahead <= TOLERANCE_FRAMES + Math.ceil(lateSeconds * framesPerSecond)) return true;
    return frameDistance(number, expected, modulus) <= TOLERANCE_FRAMES;
  };
  return frames.flatMap(({ number, mediaTimeSeconds, lateSeconds = 0, leftForSeconds }) => {
    if (lateSeconds > MAX_LATE_SECONDS || isOf(number, mediaTimeSeconds, lateSeconds)) return [];
    // Where a seek came between, what we looked at may be the new place's picture already: that one, and no third.
    if (leftForSeconds !== undefined && isOf(number, leftForSeconds, lateSeconds)) return [];
    const expected = Math.round(mediaTimeSeconds * framesPerSecond);
    return [`at ${mediaTimeSeconds.toFixed(3)} s the picture is frame ${number}, not ${expected % modulus}`];
  });
}
