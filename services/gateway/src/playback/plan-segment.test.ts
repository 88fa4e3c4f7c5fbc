import { buildVideoTimeline } from '@lodestream/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSegment, planUntil, type RunView } from './plan-segment.ts';

/** 60 segments of 10 s, 20 parts each; the last one is number 59. */
const timeline = buildVideoTimeline({ num: 24, den: 1 }, 240 * 60);
const LAST = 59;

function run(view: Partial<RunView>): RunView {
  const startSegment = view.startSegment ?? 0;
  return {
    name: `run-${startSegment}`,
    startSegment,
    until: LAST,
    nextSegment: startSegment,
    partsOfNext: 0,
    heldSegments: new Set(),
    isMaking: true,
    speed: 1,
    ...view,
  };
}
const held = (...segments: number[]) => new Set(segments);

describe('planSegment', () => {
  it('serves from whoever holds the segment, also when that run has ended', () => {
    const ended = run({ heldSegments: held(7), isMaking: false, nextSegment: 9 });
    expect(planSegment(7, [run({ startSegment: 7 }), ended], timeline, null)).toEqual({ do: 'serve', run: ended });
  });

  it('waits on the run that is making it', () => {
    const making = run({ startSegment: 3, nextSegment: 5, partsOfNext: 2 });
    expect(planSegment(5, [making], timeline, null)).toEqual({ do: 'wait', run: making });
  });

  it('waits on a run that has just been asked for, so that nobody starts it twice', () => {
    const asked = run({ startSegment: 20, nextSegment: 20, speed: 0 });
    expect(planSegment(20, [asked], timeline, null)).toEqual({ do: 'wait', run: asked });
  });

  it('waits where a fast run is there sooner than a new one', () => {
    const fast = run({ nextSegment: 4, partsOfNext: 0, speed: 8 });
    expect(planSegment(5, [fast], timeline, null)).toEqual({ do: 'wait', run: fast });
    expect(planSegment(6, [fast], timeline, null)).toMatchObject({ do: 'start' });
  });

  it('counts the parts that are made already', () => {
    expect(planSegment(5, [run({ nextSegment: 4, partsOfNext: 18 })], timeline, null)).toMatchObject({ do: 'wait' });
    expect(planSegment(5, [run({ nextSegment: 4, partsOfNext: 10 })], timeline, null)).toMatchObject({ do: 'start' });
  });

  it.each([
    ['has passed it', run({ startSegment: 2, nextSegment: 9 })],
    ['ends before it', run({ nextSegment: 4, until: 5 })],
    ['has ended', run({ nextSegment: 5, isMaking: false })],
    ['starts behind it', run({ startSegment: 6 })],
  ])('starts one where the only run %s', (_name, view) => {
    expect(planSegment(5, [view], timeline, null)).toMatchObject({ do: 'start' });
  });

  it('starts one of no bound only for the last segment', () => {
    expect(planSegment(LAST, [], timeline, null)).toEqual({ do: 'start', until: null });
    expect(planSegment(LAST - 1, [], timeline, null)).toEqual({ do: 'start', until: LAST });
  });
});

describe('planUntil', () => {
  it('ends where the next run begins', () => {
    expect(planUntil(3, [run({ startSegment: 10 }), run({ startSegment: 8 })], timeline, null)).toBe(8);
  });

  it('ends at the first segment that is held, also where that run has lost its own first ones', () => {
    const worn = run({ startSegment: 5, nextSegment: 13, heldSegments: held(8, 9, 10, 11, 12) });
    expect(planUntil(5, [worn], timeline, null)).toBe(8);
    expect(planUntil(3, [worn], timeline, null)).toBe(8);
    expect(planUntil(9, [worn], timeline, null)).toBe(10);
  });

  it('ends where a run is that has lost everything, but goes on', () => {
    expect(planUntil(5, [run({ startSegment: 0, nextSegment: 30 })], timeline, null)).toBe(30);
  });

  it('is not bounded by a run behind it, which will end here instead', () => {
    expect(planUntil(20, [run({ startSegment: 0, nextSegment: 4 })], timeline, null)).toBe(LAST);
  });

  it('is not bounded by an ended run that holds nothing more', () => {
    expect(planUntil(3, [run({ startSegment: 10, nextSegment: 12, isMaking: false })], timeline, null)).toBe(LAST);
  });

  it('leaves the last segment to a run of its own', () => {
    expect(planUntil(0, [], timeline, null)).toBe(LAST);
    expect(planUntil(LAST, [], timeline, null)).toBeNull();
  });

  it('keeps to the most segments that one run may make', () => {
    expect(planUntil(3, [], timeline, 1)).toBe(4);
    expect(planUntil(3, [run({ startSegment: 5 })], timeline, 4)).toBe(5);
    expect(planUntil(LAST - 1, [], timeline, 4)).toBe(LAST);
  });
});

describe('a playback of any seeks', () => {
  /** The planner's world in small: a request plans, runs advance, old segments expire. */
  type Step =
    | { do: 'ask'; segment: number }
    | { do: 'advance'; run: number; segments: number }
    | { do: 'expire'; segment: number };
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('ask' as const), segment: fc.nat(LAST) }),
      fc.record({ do: fc.constant('advance' as const), run: fc.nat(20), segments: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ do: fc.constant('expire' as const), segment: fc.nat(LAST) }),
    ),
    { maxLength: 60 },
  );
  type World = { startSegment: number; until: number; next: number; held: Set<number> };
  const view = (one: World, index: number): RunView =>
    run({
      name: `${index}`,
      startSegment: one.startSegment,
      until: one.until,
      nextSegment: one.next,
      heldSegments: one.held,
      isMaking: one.next < one.until,
    });

  it('never has two runs that are about to make the same segment, and none longer than allowed', () => {
    fc.assert(
      fc.property(steps, fc.option(fc.integer({ min: 1, max: 9 })), (script, maxRunSegments) => {
        const world: World[] = [];
        for (const step of script) {
          if (step.do === 'expire') for (const one of world) one.held.delete(step.segment);
          if (step.do === 'advance') {
            const one = world[step.run % Math.max(1, world.length)];
            for (let n = 0; one && n < step.segments && one.next < one.until; n++) one.held.add(one.next++);
          }
          if (step.do === 'ask') {
            const views = world.map(view);
            const plan = planSegment(step.segment, views, timeline, maxRunSegments);
            if (plan.do === 'serve') expect(plan.run.heldSegments.has(step.segment)).toBe(true);
            if (plan.do === 'wait') {
              expect(plan.run.isMaking && plan.run.nextSegment <= step.segment && step.segment < plan.run.until).toBe(true);
            }
            if (plan.do === 'start') {
              const until = plan.until ?? LAST + 1;
              expect(until).toBeGreaterThan(step.segment);
              if (maxRunSegments !== null) expect(until - step.segment).toBeLessThanOrEqual(maxRunSegments);
              expect(step.segment === LAST ? until : Math.min(until, LAST)).toBe(until);
              for (const one of views) {
                expect(one.isMaking && one.nextSegment === step.segment, 'a run at that very segment').toBe(false);
                for (let k = step.segment + 1; k < until; k++) expect(one.heldSegments.has(k), `${k} is held`).toBe(false);
              }
              // The fleet's R2: whoever was to come here ends here.
              for (const one of world) if (one.next <= step.segment && step.segment < one.until) one.until = step.segment;
              world.push({ startSegment: step.segment, until, next: step.segment, held: new Set() });
            }
          }
          const making = world.filter((one) => one.next < one.until);
          for (const a of making) for (const b of making) if (a !== b) expect(a.next < b.until && b.next < a.until).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });
});
