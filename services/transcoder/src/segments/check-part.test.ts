import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkPart, type PartExpectation } from './check-part.ts';
import { readInit } from './read-init.ts';

function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

const words = (...values: number[]) => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
};

/** A part as ffmpeg writes it: version 1 tfdt, durations and flags per sample. */
function part(decodeTicks: number, samples: [ticks: number, isSync: boolean][]): Buffer {
  const tfhd = box('tfhd', words(0x020000, 1));
  const tfdt = box('tfdt', words(0x01000000, Math.floor(decodeTicks / 2 ** 32), decodeTicks % 2 ** 32));
  const trun = box(
    'trun',
    words(0x000501, samples.length, 0),
    ...samples.map(([ticks, isSync]) => words(ticks, isSync ? 0x02000000 : 0x01010000)),
  );
  return Buffer.concat([box('moof', box('mfhd', words(0, 1)), box('traf', tfhd, tfdt, trun)), box('mdat', Buffer.alloc(16))]);
}

const expected: PartExpectation = {
  timeline: { timescale: 24, frameTicks: 1 },
  timescale: 12288,
  decodeTicks: 5_000_000_000,
  isSegmentStart: true,
  framesLeft: 100,
};
const good: [number, boolean][] = [
  [512, true],
  [512, false],
  [512, false],
];

test('a part that is what was promised is taken, with its frames and ticks', () => {
  expect(checkPart(part(5_000_000_000, good), expected)).toEqual({ isGood: true, frameCount: 3, durationTicks: 1536 });
});

test.each<[string, Buffer, Partial<PartExpectation>]>([
  ['another time', part(5_000_000_001, good), {}],
  ['no samples', part(5_000_000_000, []), {}],
  ['nothing at all', Buffer.alloc(0), {}],
  [
    'a frame of another length',
    part(5_000_000_000, [
      [512, true],
      [513, false],
    ]),
    {},
  ],
  ['a segment without a sync sample', part(5_000_000_000, [[512, false]]), {}],
  ['more frames than are left', part(5_000_000_000, good), { framesLeft: 2 }],
  ['a clock that does not fit', part(5_000_000_000, good), { timescale: 12289 }],
  ['bytes that are no boxes', Buffer.from('not a part of anything, but long enough'), {}],
  ['a cut box', part(5_000_000_000, good).subarray(0, 40), {}],
])('refused: %s', (_title, bytes, more) => {
  expect(checkPart(bytes, { ...expected, ...more })).toMatchObject({ isGood: false, reason: expect.any(String) });
});

test('only the very last frame may be shorter', () => {
  const short = part(5_000_000_000, [
    [512, true],
    [100, false],
  ]);
  expect(checkPart(short, expected)).toMatchObject({ isGood: false });
  expect(checkPart(short, { ...expected, framesLeft: 2 })).toMatchObject({ isGood: true, durationTicks: 612 });
});

test('damaged bytes get a verdict, never an exception', () => {
  const whole = part(5_000_000_000, good);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      return typeof checkPart(bytes, expected).isGood === 'boolean';
    }),
  );
});

test('an init is read when it is whole, and says its clock and codec', () => {
  const avcC = box('avcC', Buffer.from('016400286401', 'hex'));
  const stsd = box('stsd', words(0, 1), box('avc1', Buffer.alloc(78), avcC));
  const mdhd = box('mdhd', words(0, 0, 0, 24000, 0, 0));
  const init = Buffer.concat([
    box('ftyp', Buffer.alloc(8)),
    box('moov', box('trak', box('mdia', mdhd, box('minf', box('stbl', stsd))))),
  ]);
  expect(readInit(init)).toEqual({ timescale: 24000, codecs: 'avc1.640028' });
  for (let length = 0; length < init.length; length++) expect(readInit(init.subarray(0, length))).toBeNull();
});
