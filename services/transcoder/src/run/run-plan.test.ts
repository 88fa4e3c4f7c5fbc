import { buildVideoTimeline } from '@lodestream/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { effectiveEnd, planRun } from './run-plan.ts';

const rendition = (frameCount: number) =>
  ({ timeline: buildVideoTimeline({ num: 25, den: 1 }, frameCount) }) as Parameters<typeof planRun>[0]['rendition'];

test.each([
  // frames, start, until → end, frames made
  [1000, 0, null, 3, 750],
  [1000, 0, 4, 3, 750],
  [1000, 1, 2, 2, 250],
  [1000, 3, null, 4, 250],
  [1001, 4, null, 5, 1],
  [1001, 3, null, 4, 250],
  [100, 0, null, 1, 100],
])('%i frames from %i until %s: ends before %i with %i frames', (frames, startSegment, until, endSegment, frameCount) => {
  expect(planRun({ rendition: rendition(frames), startSegment, until })).toMatchObject({
    endSegment,
    frameCount,
    firstPart: startSegment * 25,
  });
});

test('a run never makes the last segment together with others, and never nothing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.nat(40),
      fc.option(fc.integer({ min: 1, max: 50 })),
      (frames, start, until) => {
        const { timeline } = rendition(frames);
        const startSegment = start % timeline.segmentCount;
        const plan = planRun({ rendition: rendition(frames), startSegment, until });
        const makesLast = plan.endSegment === timeline.segmentCount;
        return (
          plan.frameCount > 0 && plan.endSegment > startSegment && (!makesLast || startSegment === timeline.segmentCount - 1)
        );
      },
    ),
  );
});

test('a start beyond the film is refused', () => {
  expect(() => planRun({ rendition: rendition(100), startSegment: 1, until: null })).toThrow();
});

test('orders shorten a run and lengthen it again, within what ffmpeg was told', () => {
  const plan = planRun({ rendition: rendition(2500), startSegment: 2, until: 6 });
  expect([null, 9, 4, 1].map((until) => effectiveEnd(plan, until))).toEqual([6, 6, 4, 2]);
});
