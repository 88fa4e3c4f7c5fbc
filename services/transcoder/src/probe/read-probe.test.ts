import { MediaInfo } from '@lodestream/shared';
import { expect, test } from 'vitest';
import { RawProbe } from './raw-probe.ts';
import { readProbe } from './read-probe.ts';
import { readStreamEnds, tailStarts } from './read-tail.ts';

const video = {
  index: 0,
  codec_type: 'video',
  codec_name: 'h264',
  width: 1920,
  height: 1080,
  pix_fmt: 'yuv420p',
  r_frame_rate: '25/1',
  avg_frame_rate: '25/1',
  start_time: '100.0',
};
const audio = { index: 1, codec_type: 'audio', codec_name: 'aac', channels: 2, sample_rate: '48000', start_time: '100.5' };
const format = { start_time: '100.0', duration: '60.0' };
const ends = new Map([
  [0, { lastStartSeconds: 159.96, endSeconds: 160 }],
  [1, { lastStartSeconds: 155, endSeconds: 155.02 }],
]);
const read = (streams: object[], more: object = {}, tail = ends) =>
  readProbe(RawProbe.parse({ streams, format, ...more }), 'matroska', tail);

test('times begin at 0, whatever the container begins at', () => {
  const result = read([video, audio]) as { mediaInfo: MediaInfo };
  MediaInfo.parse(result.mediaInfo);
  expect(result.mediaInfo.durationSeconds).toBeCloseTo(60, 6);
  expect(result.mediaInfo.video[0]?.lastFrameSeconds).toBeCloseTo(59.96, 6);
  expect(result.mediaInfo.audio[0]).toMatchObject({ startSeconds: 0.5 });
});

test('cover art is no film, and what cannot be decoded is left out', () => {
  const cover = { ...video, index: 2, codec_name: 'mjpeg', disposition: { attached_pic: 1 } };
  const strange = { ...audio, index: 3, codec_name: 'sonic' };
  const result = read([cover, audio, strange]) as { mediaInfo: MediaInfo };
  expect([result.mediaInfo.video.length, result.mediaInfo.audio.map(({ index }) => index)]).toEqual([0, [1]]);
});

test.each([
  ['no-media-streams', []],
  ['codec-not-allowed', [{ ...video, codec_name: 'magicyuv' }]],
  ['codec-not-allowed', [{ ...video, side_data_list: [{ side_data_type: 'Encryption initialization data' }] }]],
  ['picture-too-large', [{ ...video, width: 16000, height: 16000 }]],
  ['damaged', [{ ...video, pix_fmt: undefined }]],
])('refused: %s', (reason, streams) => {
  expect(read(streams)).toMatchObject({ reason });
});

test.each([
  [-90, 90],
  [90, 270],
  [180, 180],
  [-180, 180],
  [0, 0],
])('ffprobe turns by %i, a viewer by %i', (rotation, rotationDegrees) => {
  const result = read([{ ...video, side_data_list: [{ rotation }] }]) as { mediaInfo: MediaInfo };
  expect(result.mediaInfo.video[0]?.rotationDegrees).toBe(rotationDegrees);
});

test('sound without a packet in the end of the file ended before it', () => {
  const tail = new Map([[0, { lastStartSeconds: 159.96, endSeconds: 160 }]]);
  const result = read([video, audio], {}, tail) as { mediaInfo: MediaInfo };
  expect(result.mediaInfo.audio[0]?.endSeconds).toBeCloseTo(50, 6);
  const stated = read([video, { ...audio, tags: { DURATION: '00:00:40.500000000' } }], {}, tail) as { mediaInfo: MediaInfo };
  expect(stated.mediaInfo.audio[0]?.endSeconds).toBeCloseTo(41, 6);
});

test('without the end, the stated lengths have to do; without those it has none', () => {
  const result = read([video], {}, new Map()) as { mediaInfo: MediaInfo };
  expect(result.mediaInfo.durationSeconds).toBeCloseTo(60, 6);
  expect(read([audio], { format: {} }, new Map())).toMatchObject({ reason: 'no-duration' });
});

test('titles are one short line', () => {
  const result = read([{ ...audio, tags: { title: `a\u0000\n\u202eb${'x'.repeat(1000)}`, language: 'ENG' } }]) as {
    mediaInfo: MediaInfo;
  };
  expect(result.mediaInfo.audio[0]?.title).toMatch(/^a bx{196,}$/);
  expect(result.mediaInfo.audio[0]?.language).toBe('eng');
});

test('the last packet by presentation counts, and none that an edit list throws away', () => {
  const packets = [
    { stream_index: 0, pts_time: '1.0', duration_time: '0.04', flags: 'K_' },
    { stream_index: 0, pts_time: '1.2', duration_time: '0.04', flags: '__' },
    { stream_index: 0, pts_time: '1.1', flags: '__' },
    { stream_index: 0, pts_time: '9.0', flags: '_D' },
    { stream_index: 1, pts_time: 'N/A', dts_time: '2.0', duration_time: 'N/A', flags: 'K_' },
  ];
  expect([...readStreamEnds({ packets })]).toEqual([
    [0, { lastStartSeconds: 1.2, endSeconds: 1.24 }],
    [1, { lastStartSeconds: 2, endSeconds: 2 }],
  ]);
});

test('the end is looked for where it is stated, then nearer, then in the whole file', () => {
  const places = (duration?: string) => tailStarts(RawProbe.parse({ format: duration ? { start_time: '1', duration } : {} }));
  expect(places('100')).toEqual([91, 51, 26, undefined]);
  expect(places('5')).toEqual([1, undefined]);
  expect(places()).toEqual([undefined]);
});
