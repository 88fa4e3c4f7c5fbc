import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pickFrameRate } from './frame-rate.ts';

test.each([
  // stated, average → grid
  ['24000/1001', '24000/1001', '24000/1001'],
  ['30/1', '21000/701', '30/1'],
  ['30/1', '720000/24017', '30/1'],
  ['25/1', '25/1', '25/1'],
  ['50/1', '25/1', '25/1'], // the field rate of an interlaced stream
  ['90000/1', '4275000/188521', '24000/1001'], // 22.7, variable
  ['1000/1', '24975/1042', '24000/1001'],
  ['600/1', '12600/1703', '8/1'],
  ['120/1', '120/1', '60/1'],
  ['120000/1001', '120000/1001', '60000/1001'],
  ['100/1', '100/1', '50/1'],
  ['144/1', '144/1', '48/1'],
  ['10/1', '10/1', '10/1'],
  ['1/1', '1/1', '5/1'],
  ['1000/33', '1000/33', '30/1'],
  ['0/0', '0/0', '25/1'],
  [undefined, undefined, '25/1'],
])('stated %s, average %s: %s', (stated, average, expected) => {
  const { num, den } = pickFrameRate(stated, average);
  expect(`${num}/${den}`).toBe(expected);
});

test('every answer is between 5 and 60', () => {
  const rational = fc.tuple(fc.nat(1_000_000), fc.nat(100_000)).map(([num, den]) => `${num}/${den}`);
  fc.assert(
    fc.property(rational, rational, (stated, average) => {
      const { num, den } = pickFrameRate(stated, average);
      return num / den >= 5 && num / den <= 60;
    }),
  );
});
