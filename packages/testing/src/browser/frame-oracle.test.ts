import { expect, it } from 'vitest';
import { judgeFrames } from './frame-oracle.ts';

const shown = (number: number, mediaTimeSeconds: number) => ({ number, mediaTimeSeconds });

it('a picture is that of its time, and not the one beside it', () => {
  const frameRate = { num: 24_000, den: 1001 };
  expect(judgeFrames([shown(240, 10.01), shown(242, 10.093), shown(242, 10.094)], { frameRate })).toEqual([]);
  expect(judgeFrames([shown(241, 10.01), shown(300, 10.1), shown(239, 10.01)], { frameRate })).toEqual([
    'at 10.010 s the picture is frame 241, not 240',
    'at 10.100 s the picture is frame 300, not 242',
    'at 10.010 s the picture is frame 239, not 240',
  ]);
});

it('the numbers of a looped clip begin again', () => {
  const options = { frameRate: { num: 24_000, den: 1001 }, modulus: 1440 };
  expect(judgeFrames([shown(3, 60.06 + 0.125125)], options)).toEqual([]);
  expect(judgeFrames([shown(4, 60.06 + 0.125125)], options)).toHaveLength(1);
});
