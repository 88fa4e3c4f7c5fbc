import type { Timeline } from '@lodestream/shared';
import { findBox, findBoxes } from './boxes.ts';

type Sample = { durationTicks: number; isSync: boolean };
type Fragment = { decodeTicks: number; samples: Sample[] };

/** A track fragment says at most so many samples: a part has 30 frames at most, and this bounds a lie. */
const MAX_SAMPLES = 4096;

/** What the next part has to be. Ticks are those of the init's clock. */
export type PartExpectation = {
  timeline: Pick<Timeline, 'timescale' | 'frameTicks'>;
  /** Clock of the init segment: a multiple of the timeline's, chosen by the muxer. */
  timescale: number;
  decodeTicks: number;
  /** The part opens a segment: its first sample must be one that a decoder can start at. */
  isSegmentStart: boolean;
  /** Frames that the run may still make: the very last audio frame may be shorter than the others. */
  framesLeft: number;
};

export type PartVerdict = { isGood: true; frameCount: number; durationTicks: number } | { isGood: false; reason: string };

/**
 * A part against what the timeline promised: it has samples, its decode time is the sum of all durations before it, all
 * samples have the length of a frame. How many frames a segment has is its store's sum (hls.md §3b).
 */
export function checkPart(bytes: Buffer, expected: PartExpectation): PartVerdict {
  let fragments: Fragment[];
  try {
    fragments = readFragments(bytes);
  } catch (error) {
    return { isGood: false, reason: `unreadable part: ${(error as Error).message}` };
  }
  const frameTicks = (expected.timeline.frameTicks * expected.timescale) / expected.timeline.timescale;
  if (!Number.isInteger(frameTicks)) return { isGood: false, reason: `clock ${expected.timescale} does not fit the timeline` };
  let decodeTicks = expected.decodeTicks;
  let frameCount = 0;
  for (const fragment of fragments) {
    if (fragment.decodeTicks !== decodeTicks)
      return { isGood: false, reason: `decode time ${fragment.decodeTicks} instead of ${decodeTicks}` };
    for (const sample of fragment.samples) {
      const isLast = frameCount + 1 === expected.framesLeft;
      const isGood =
        sample.durationTicks === frameTicks || (isLast && sample.durationTicks > 0 && sample.durationTicks < frameTicks);
      if (!isGood) return { isGood: false, reason: `a frame lasts ${sample.durationTicks} ticks instead of ${frameTicks}` };
      if (frameCount === 0 && expected.isSegmentStart && !sample.isSync)
        return { isGood: false, reason: 'a segment begins without a sync sample' };
      decodeTicks += sample.durationTicks;
      frameCount++;
    }
  }
  if (frameCount === 0) return { isGood: false, reason: 'a part without samples' };
  if (frameCount > expected.framesLeft) return { isGood: false, reason: 'more frames than promised' };
  return { isGood: true, frameCount, durationTicks: decodeTicks - expected.decodeTicks };
}

/** The fragments of a part: decode time, and duration and sync flag of each sample (ISO/IEC 14496-12 §8.8). */
export function readFragments(bytes: Buffer): Fragment[] {
  return findBoxes(bytes, ['moof', 'traf']).map((traf) => {
    const tfdt = findBox(bytes, ['tfdt'], traf);
    const decodeTicks =
      bytes[tfdt.start] === 1 ? Number(bytes.readBigUInt64BE(tfdt.start + 4)) : bytes.readUInt32BE(tfdt.start + 4);
    const defaults = readDefaults(bytes, findBox(bytes, ['tfhd'], traf).start);
    return { decodeTicks, samples: findBoxes(bytes, ['trun'], traf).flatMap((trun) => readRun(bytes, trun, defaults)) };
  });
}

type Defaults = { durationTicks: number; flags: number };

/** tfhd §8.8.7: optional fields follow each other in the order of their flag bits. */
function readDefaults(bytes: Buffer, start: number): Defaults {
  const has = bytes.readUInt32BE(start) & 0xffffff;
  let at = start + 8 + (has & 0x1 ? 8 : 0) + (has & 0x2 ? 4 : 0);
  const next = (bit: number): number => {
    if (!(has & bit)) return 0;
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const durationTicks = next(0x8);
  next(0x10);
  return { durationTicks, flags: next(0x20) };
}

/** trun §8.8.8. Bit 16 of the flags: the sample is not a sync sample. */
function readRun(bytes: Buffer, trun: { start: number; end: number }, defaults: Defaults): Sample[] {
  const has = bytes.readUInt32BE(trun.start) & 0xffffff;
  const count = bytes.readUInt32BE(trun.start + 4);
  let at = trun.start + 8 + (has & 0x1 ? 4 : 0);
  let firstFlags: number | undefined;
  if (has & 0x4) {
    firstFlags = bytes.readUInt32BE(at);
    at += 4;
  }
  const fields = [0x100, 0x200, 0x400, 0x800].filter((bit) => has & bit);
  if (count > MAX_SAMPLES || at + count * fields.length * 4 > trun.end) throw new Error('a run of samples beyond its box');
  return Array.from({ length: count }, (_, i) => {
    let { durationTicks, flags } = defaults;
    if (i === 0 && firstFlags !== undefined) flags = firstFlags;
    for (const bit of fields) {
      if (bit === 0x100) durationTicks = bytes.readUInt32BE(at);
      if (bit === 0x400) flags = bytes.readUInt32BE(at);
      at += 4;
    }
    return { durationTicks, isSync: !(flags & 0x10000) };
  });
}
