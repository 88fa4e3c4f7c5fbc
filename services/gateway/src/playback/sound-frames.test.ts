import { expect, test } from 'vitest';
import { soundFramesOf } from './sound-frames.ts';

const stream = { index: 1, codec: 'aac', channels: 2, sampleRate: 44_100, isDefault: true, startSeconds: 0.007, endSeconds: 60 };

test.each([
  ['aac', 'matroska', 1024],
  ['mp3', 'flv', 1152],
  ['ac3', 'matroska', 1536],
  // Its container counts in samples.
  ['aac', 'mov', undefined],
  // Its frames are not equally long.
  ['vorbis', 'matroska', undefined],
  ['constructor', 'matroska', undefined],
])('%s in %s has frames of %s samples that times must follow', (codec, container, frameSamples) => {
  const expected = frameSamples && { startSeconds: 0.007, frameSamples, sampleRate: 44_100 };
  expect(soundFramesOf({ ...stream, codec }, container)).toEqual(expected);
});
