import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Dial, type DialEnd, FIRST_DIAL, planRedial } from './redial-plan.ts';

/** The forms that are dialled while every dial ends as `endOf` says, with the time before each. */
function dials(endOf: (dial: Dial) => DialEnd, hasUtp: boolean): string[] {
  const seen: string[] = [];
  let next: { dial: Dial; waitMs: number } | null = { dial: FIRST_DIAL, waitMs: 0 };
  while (next !== null && seen.length < 50) {
    const { dial, waitMs }: { dial: Dial; waitMs: number } = next;
    seen.push(`${waitMs} ${dial.transport}${dial.isEncrypted ? '+mse' : ''}`);
    next = planRedial(dial, endOf(dial), hasUtp);
  }
  return seen;
}

it('a peer that nothing reaches is tried by TCP at 0, 1, 6 and 21 s, with and without uTP between', () => {
  expect(dials(() => 'unreached', false)).toEqual(['0 tcp', '1000 tcp', '5000 tcp', '15000 tcp']);
  expect(dials(() => 'unreached', true)).toEqual([
    '0 tcp',
    '100 utp+mse',
    '100 tcp',
    '100 utp+mse',
    '3400 tcp',
    '100 utp+mse',
    '13400 tcp',
    '100 utp+mse',
  ]);
});

it('a peer that refuses plain is tried encrypted at once, and only then by uTP', () => {
  const twice = (waitMs: number) => [`${waitMs} tcp`, '100 tcp+mse'];
  expect(dials(() => 'refused', false)).toEqual([0, 1000, 5000, 15_000].flatMap(twice));
  expect(dials(() => 'refused', true).slice(0, 5)).toEqual(['0 tcp', '100 tcp+mse', '100 utp+mse', '100 utp', '100 tcp']);
});

it('a peer that only uTP reaches, and only plain, is found in the first round', () => {
  const endOf = (dial: Dial): DialEnd => (dial.transport === 'tcp' ? 'unreached' : dial.isEncrypted ? 'refused' : 'lost');
  expect(dials(endOf, true).slice(0, 4)).toEqual(['0 tcp', '100 utp+mse', '100 utp', '1000 utp']);
});

it('what served us is dialled again in the same form, for ever; what never does is given up', () => {
  const dial = fc.record({
    transport: fc.constantFrom('tcp' as const, 'utp' as const),
    isEncrypted: fc.boolean(),
    attempt: fc.nat(3),
  });
  fc.assert(
    fc.property(dial, fc.boolean(), (each, hasUtp) => {
      expect(planRedial(each, 'served', hasUtp)).toEqual({ dial: { ...each, attempt: 0 }, waitMs: 1000 });
    }),
  );
  const ends = fc.infiniteStream(fc.constantFrom('unreached' as const, 'refused' as const, 'lost' as const));
  fc.assert(fc.property(ends, fc.boolean(), (stream, hasUtp) => dials(() => stream.next().value, hasUtp).length <= 16));
});
