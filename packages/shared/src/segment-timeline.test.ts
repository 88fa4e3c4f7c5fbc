import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildAudioTimeline,
  buildVideoTimeline,
  segmentAt,
  segmentDurationSeconds,
  segmentFrameCount,
  segmentStartSeconds,
  Timeline,
} from './segment-timeline.ts';

/** Frame rates as probes give them: the usual ones, and any odd fraction of 1 to 60 a second. */
const rates = fc.oneof(
  fc.constantFrom(
    { num: 24000, den: 1001 },
    { num: 24, den: 1 },
    { num: 25, den: 1 },
    { num: 30000, den: 1001 },
    { num: 60, den: 1 },
  ),
  fc
    .record({ num: fc.integer({ min: 1, max: 120_000 }), den: fc.integer({ min: 1, max: 10_010 }) })
    .filter(({ num, den }) => num / den >= 1 && num / den <= 60),
);
const targets = fc.oneof(fc.constantFrom(4, 6, 10), fc.double({ min: 2, max: 30, noNaN: true }));
const videoGrids = fc
  .tuple(rates, fc.integer({ min: 1, max: 400_000 }), targets)
  .map(([rate, frameCount, target]) => buildVideoTimeline(rate, frameCount, target));
const audioGrids = fc
  .tuple(fc.double({ min: 0.001, max: 20_000, noNaN: true }), fc.double({ min: 1, max: 31, noNaN: true }))
  .map(([durationSeconds, segmentSeconds]) => buildAudioTimeline(durationSeconds, segmentSeconds));
const grids = fc.oneof(videoGrids, audioGrids);

/** Ticks at which segment k begins, by the definition; compared with what the functions say in seconds. */
const startTicks = (timeline: Timeline, k: number) => k * timeline.framesPerSegment * timeline.frameTicks;

describe('the video grid at 10 s', () => {
  it.each([
    ['23.976', 24000, 1001, 20, 12, 240, 48],
    ['24', 24, 1, 20, 12, 240, 48],
    ['25', 25, 1, 25, 10, 250, 50],
    ['29.97', 30000, 1001, 20, 15, 300, 60],
    ['30', 30, 1, 20, 15, 300, 60],
    ['48', 48, 1, 20, 24, 480, 96],
    ['50', 50, 1, 20, 25, 500, 100],
    ['59.94', 60000, 1001, 20, 30, 600, 120],
    ['60', 60, 1, 20, 30, 600, 120],
  ])(
    'at %s frames a second is the one of the reference',
    (_name, num, den, parts, framesPerPart, framesPerSegment, framesPerIdr) => {
      const timeline = buildVideoTimeline({ num, den }, 100_000);
      expect(timeline).toMatchObject({
        partsPerSegment: parts,
        framesPerPart,
        framesPerSegment,
        framesPerIdr,
        timescale: num,
        frameTicks: den,
      });
    },
  );

  it('takes 20 parts where 16 or 24 come just as near', () => {
    // At 48 frames a second 16, 20 and 24 parts all make exactly 480 frames.
    expect(buildVideoTimeline({ num: 48, den: 1 }, 1).partsPerSegment).toBe(20);
    expect(buildVideoTimeline({ num: 240, den: 10 }, 1).partsPerSegment).toBe(20); // 24, by another fraction
  });

  it('of rates that are hard to divide stays within 7 % of the target', () => {
    for (const num of [5, 7, 9, 11, 12, 13, 15, 17, 19, 23, 29, 31, 37, 41, 47, 53, 59]) {
      const { framesPerSegment } = buildVideoTimeline({ num, den: 1 }, 1);
      expect(Math.abs(framesPerSegment / num - 10) / 10, `${num} frames a second`).toBeLessThan(0.07);
    }
  });

  it('no other allowed number of parts comes nearer to the target', () => {
    fc.assert(
      fc.property(rates, (rate) => {
        const chosen = buildVideoTimeline(rate, 1000);
        const distance = (frames: number) => Math.abs((frames * rate.den) / rate.num - 10);
        for (const parts of [16, 20, 24, 25]) {
          const ideal = (10 * rate.num) / (rate.den * parts);
          for (const framesPerPart of [Math.floor(ideal), Math.ceil(ideal)].filter((p) => p >= 1))
            expect(distance(chosen.framesPerSegment)).toBeLessThanOrEqual(distance(parts * framesPerPart) + 1e-9);
        }
      }),
    );
  });
});

describe('the video grid at other lengths', () => {
  it.each([
    [4, { num: 24000, den: 1001 }, 96],
    [4, { num: 25, den: 1 }, 100],
    [4, { num: 30, den: 1 }, 120],
    [6, { num: 24000, den: 1001 }, 144],
    [6, { num: 25, den: 1 }, 150],
    [6, { num: 60, den: 1 }, 360],
  ])('of %i s has parts of about half a second', (target, rate, framesPerSegment) => {
    const timeline = buildVideoTimeline(rate, 10_000, target);
    expect(timeline.framesPerSegment).toBe(framesPerSegment);
    expect((timeline.framesPerPart * rate.den) / rate.num).toBeGreaterThan(0.35);
    expect((timeline.framesPerPart * rate.den) / rate.num).toBeLessThan(0.7);
  });
});

describe('any grid', () => {
  it('is a Timeline: positive whole numbers', () => {
    fc.assert(fc.property(grids, (timeline) => Timeline.safeParse(timeline).success));
  });

  it('has whole parts in a segment, and whole distances of IDR pictures', () => {
    fc.assert(
      fc.property(grids, ({ partsPerSegment, framesPerPart, framesPerSegment, framesPerIdr }) => {
        expect(partsPerSegment * framesPerPart).toBe(framesPerSegment);
        expect(framesPerSegment % framesPerIdr).toBe(0);
      }),
    );
  });

  it('begins every part of a video segment that follows an IDR distance at a frame of its own', () => {
    fc.assert(fc.property(videoGrids, ({ framesPerIdr, framesPerPart }) => framesPerIdr % framesPerPart === 0));
  });

  it('tiles [0, total) exactly: no gap, no overlap, nothing empty, nothing beyond', () => {
    fc.assert(
      fc.property(grids, (timeline) => {
        const last = timeline.segmentCount - 1;
        expect(startTicks(timeline, last)).toBeLessThan(timeline.totalTicks);
        expect(startTicks(timeline, last + 1)).toBeGreaterThanOrEqual(timeline.totalTicks);
        for (const k of [0, 1, Math.floor(last / 2), last - 1, last].filter((k) => k >= 0 && k <= last)) {
          const endTicks = k === last ? timeline.totalTicks : startTicks(timeline, k + 1);
          expect(segmentStartSeconds(timeline, k)).toBe(startTicks(timeline, k) / timeline.timescale);
          expect(segmentDurationSeconds(timeline, k)).toBe((endTicks - startTicks(timeline, k)) / timeline.timescale);
          expect(segmentDurationSeconds(timeline, k)).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('has every frame in exactly one segment', () => {
    fc.assert(
      fc.property(grids, (timeline) => {
        const last = timeline.segmentCount - 1;
        const inLast = segmentFrameCount(timeline, last);
        expect(inLast).toBeGreaterThan(0);
        expect(inLast).toBeLessThanOrEqual(timeline.framesPerSegment);
        expect(last * timeline.framesPerSegment + inLast).toBe(timeline.frameCount);
        if (last > 0) expect(segmentFrameCount(timeline, last - 1)).toBe(timeline.framesPerSegment);
      }),
    );
  });

  it('has durations whose sum is the total', () => {
    fc.assert(
      fc.property(grids, (timeline) => {
        let sumTicks = 0;
        for (let k = 0; k < timeline.segmentCount; k++)
          sumTicks += Math.round(segmentDurationSeconds(timeline, k) * timeline.timescale);
        expect(sumTicks).toBe(timeline.totalTicks);
      }),
      { numRuns: 50 },
    );
  });

  it('finds the segment that holds a time, also at its very first and last instant', () => {
    fc.assert(
      fc.property(grids, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (timeline, share) => {
        const k = Math.floor(share * timeline.segmentCount);
        expect(segmentAt(timeline, segmentStartSeconds(timeline, k))).toBe(k);
        const oneTick = 1 / timeline.timescale;
        const nearlyOver = segmentStartSeconds(timeline, k) + segmentDurationSeconds(timeline, k) - oneTick / 2;
        // Half a tick of a very fine timescale is less than a player's clock can tell apart.
        if (oneTick * timeline.frameTicks > 1e-3 && oneTick > 1e-5) expect(segmentAt(timeline, nearlyOver)).toBe(k);
      }),
    );
  });

  it('answers times outside of the film with its first and its last segment', () => {
    fc.assert(
      fc.property(grids, fc.double({ min: 1, max: 1e6, noNaN: true }), (timeline, seconds) => {
        expect(segmentAt(timeline, -seconds)).toBe(0);
        expect(segmentAt(timeline, timeline.totalTicks / timeline.timescale + seconds)).toBe(timeline.segmentCount - 1);
      }),
    );
  });
});

describe('the audio grid', () => {
  it('has 20 parts of 24 frames, 10.24 s, beside the usual video grids', () => {
    for (const segmentSeconds of [10, 10.01]) {
      const timeline = buildAudioTimeline(3600, segmentSeconds);
      expect(timeline).toMatchObject({ partsPerSegment: 20, framesPerPart: 24, framesPerSegment: 480, framesPerIdr: 1 });
      expect(segmentDurationSeconds(timeline, 0)).toBe(10.24);
    }
  });

  it('lasts exactly as long as the film, to the sample, and never longer', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 48_000 * 7200 }), (samples) => {
        const timeline = buildAudioTimeline(samples / 48_000, 10);
        expect(Math.abs(timeline.totalTicks - samples)).toBeLessThanOrEqual(1);
        expect(timeline.totalTicks / 48_000).toBeLessThanOrEqual(samples / 48_000 + 1e-9);
      }),
    );
  });

  it('stays within half a part of the video segment', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 31, noNaN: true }), (segmentSeconds) => {
        const timeline = buildAudioTimeline(100_000, segmentSeconds);
        expect(Math.abs(segmentDurationSeconds(timeline, 0) - segmentSeconds)).toBeLessThanOrEqual(0.256 + 1e-9);
      }),
    );
  });
});
