import { z } from 'zod';

/** A fraction, exact: 24000/1001 frames a second. */
export const Rational = z.object({ num: z.int().positive(), den: z.int().positive() });
export type Rational = z.infer<typeof Rational>;

export const VideoStream = z.object({
  /** Index of the stream in the source, as ffmpeg counts (`0:index`). */
  index: z.int().nonnegative(),
  codec: z.string(),
  profile: z.string().optional(),
  width: z.int().positive(),
  height: z.int().positive(),
  pixelFormat: z.string(),
  /** The rate of the output grid: constant, at most 60, snapped to a usual rate (hls.md §2). */
  frameRate: Rational,
  sampleAspectRatio: Rational,
  /** Clockwise, in degrees: 0, 90, 180 or 270. */
  rotationDegrees: z.int(),
  isInterlaced: z.boolean(),
  bitrateBitsPerSecond: z.number().optional(),
  /** Presentation time of the first and of the last frame, on the file's timeline (its start is 0). */
  startSeconds: z.number(),
  lastFrameSeconds: z.number(),
});
export type VideoStream = z.infer<typeof VideoStream>;

export const AudioStream = z.object({
  index: z.int().nonnegative(),
  codec: z.string(),
  channels: z.int().positive(),
  sampleRate: z.int().positive(),
  language: z.string().optional(),
  title: z.string().optional(),
  isDefault: z.boolean(),
  startSeconds: z.number(),
  /** Where the sound of this stream ends, on the file's timeline. */
  endSeconds: z.number(),
});
export type AudioStream = z.infer<typeof AudioStream>;

export const SubtitleStream = z.object({
  index: z.int().nonnegative(),
  codec: z.string(),
  language: z.string().optional(),
  title: z.string().optional(),
  isDefault: z.boolean(),
  isForced: z.boolean(),
});
export type SubtitleStream = z.infer<typeof SubtitleStream>;

export const Chapter = z.object({ startSeconds: z.number(), endSeconds: z.number(), title: z.string().optional() });

/** What a probe says of one file: a pure function of the file's bytes. Cover art is not a video stream. */
export const MediaInfo = z.object({
  /** Length of the film: the end of its last frame or sample, on a timeline that begins at 0. */
  durationSeconds: z.number().positive(),
  /** The demuxer, one of the allow-list (`matroska`, `mov`, `mpegts`, …). */
  container: z.string(),
  /** True when the container has an index, so that a seek lands before its target (hls.md §3: preroll). */
  isIndexed: z.boolean(),
  bitrateBitsPerSecond: z.number().optional(),
  video: z.array(VideoStream),
  audio: z.array(AudioStream),
  subtitles: z.array(SubtitleStream),
  chapters: z.array(Chapter),
});
export type MediaInfo = z.infer<typeof MediaInfo>;
