import { FRAME_NUMBER_MODULUS, frameDistance } from '../clips/frame-number.ts';
import type { ShownFrame } from './player-recorder.ts';

/** Rounding, and the frame that is just being replaced. */
const TOLERANCE_FRAMES = 1;
/** A look later than this says nothing; the faults that the oracle is for are seconds off. */
const MAX_LATE_SECONDS = 0.5;

/** Whether we looked in time to tell anything. */
export function isTelling({ lateSeconds = 0 }: ShownFrame): boolean {
  return lateSeconds <= MAX_LATE_SECONDS;
}

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
  const isOf = (number: number, seconds: number, movedOnFrames: number) => {
    const expected = Math.round(seconds * framesPerSecond);
    // On a busy page the film has moved on before we look: forward by as much as that, never back.
    const ahead = (((number - expected) % modulus) + modulus) % modulus;
    if (ahead <= TOLERANCE_FRAMES + movedOnFrames) return true;
    return frameDistance(number, expected, modulus) <= TOLERANCE_FRAMES;
  };
  return frames.flatMap((frame) => {
    const { number, mediaTimeSeconds, lateSeconds = 0, clockSeconds = mediaTimeSeconds, leftForSeconds } = frame;
    if (!isTelling(frame)) return [];
    const byClock = Math.floor(Math.max(0, clockSeconds - mediaTimeSeconds) * framesPerSecond);
    const movedOnFrames = Math.max(Math.ceil(lateSeconds * framesPerSecond), byClock);
    if (isOf(number, mediaTimeSeconds, movedOnFrames)) return [];
    // Where a seek came between, what we looked at may be the new place's picture already: that one, and no third.
    if (leftForSeconds !== undefined && isOf(number, leftForSeconds, movedOnFrames)) return [];
    const expected = Math.round(mediaTimeSeconds * framesPerSecond);
    const clock = frame.clockSeconds === undefined ? '' : `, at ${clockSeconds.toFixed(3)} s of the clock`;
    return [`at ${mediaTimeSeconds.toFixed(3)} s the picture is frame ${number}, not ${expected % modulus}${clock}`];
  });
}
