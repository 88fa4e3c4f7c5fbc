import type { MediaInfo, RunSpec } from '@lodestream/shared';

/** Containers whose timestamps are whole milliseconds (ffprobe: time_base 1/1000). */
const ROUNDING_CONTAINERS: ReadonlySet<string> = new Set(['matroska', 'flv']);

/** Samples of a frame, of codecs whose frames all have the same: also HE-AAC's are whole multiples of it. */
const FRAME_SAMPLES: ReadonlyMap<string, number> = new Map([
  ['aac', 1024],
  ['mp3', 1152],
  ['ac3', 1536],
  ['eac3', 1536],
]);

/** How the frames of a sound stream really lie, where the container's times only say it roughly; else undefined. */
export function soundFramesOf(stream: MediaInfo['audio'][number], container: string): RunSpec['soundFrames'] {
  const frameSamples = FRAME_SAMPLES.get(stream.codec);
  if (frameSamples === undefined || !ROUNDING_CONTAINERS.has(container)) return undefined;
  return { startSeconds: stream.startSeconds, frameSamples, sampleRate: stream.sampleRate };
}
