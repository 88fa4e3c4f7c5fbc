import { z } from 'zod';
import { Rational } from './media-info.ts';
import { Timeline } from './segment-timeline.ts';

/** Everything that decides the bytes of an encoded picture. Its hash is part of the rendition's id. */
export const VideoEncoding = z.object({
  width: z.int().positive().multipleOf(2),
  height: z.int().positive().multipleOf(2),
  /** Level × 10 as in `avc1.6400LL`: 40 is 4.0. Pinned, so that the playlist can promise CODECS. */
  level: z.int(),
  crf: z.number(),
  maxBitrateBitsPerSecond: z.int().positive(),
  preset: z.enum(['veryfast', 'superfast']),
  isInterlaced: z.boolean(),
  rotationDegrees: z.int(),
  /** Added to every picture's time, at most half a frame: a picture between two places of the grid would take either. */
  shiftSeconds: z.number().optional(),
});
export type VideoEncoding = z.infer<typeof VideoEncoding>;

const common = {
  /** `v1080-1f3a9c02`: kind, size or track, and a hash of the settings that decide the bytes. */
  id: z.string().regex(/^[a-z][a-z0-9]*-[0-9a-f]{8}$/),
  mode: z.literal('encode'),
  streamIndex: z.int().nonnegative(),
  /** RFC 6381. */
  codecs: z.string(),
  bandwidthBitsPerSecond: z.int().positive(),
  timeline: Timeline,
};

export const VideoRendition = z.object({ kind: z.literal('video'), ...common, frameRate: Rational, encoding: VideoEncoding });
export type VideoRendition = z.infer<typeof VideoRendition>;

export const AudioRendition = z.object({
  kind: z.literal('audio'),
  ...common,
  channels: z.literal(2),
  /** Unique among the audio renditions of a file. */
  name: z.string(),
  language: z.string().optional(),
  isDefault: z.boolean(),
});
export type AudioRendition = z.infer<typeof AudioRendition>;

/** One encoded form of one source stream, with its own media playlist. */
export const Rendition = z.discriminatedUnion('kind', [VideoRendition, AudioRendition]);
export type Rendition = z.infer<typeof Rendition>;
