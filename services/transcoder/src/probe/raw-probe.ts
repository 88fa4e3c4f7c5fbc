import { z } from 'zod';

/** The part of `ffprobe -of json` that we read. Everything may be missing, and numbers are text. */
const RawStream = z.object({
  index: z.int().nonnegative(),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  profile: z.union([z.string(), z.number()]).optional(),
  width: z.int().optional(),
  height: z.int().optional(),
  pix_fmt: z.string().optional(),
  field_order: z.string().optional(),
  r_frame_rate: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  sample_aspect_ratio: z.string().optional(),
  sample_rate: z.string().optional(),
  channels: z.int().optional(),
  bit_rate: z.string().optional(),
  start_time: z.string().optional(),
  duration: z.string().optional(),
  disposition: z.record(z.string(), z.number()).default({}),
  tags: z.record(z.string(), z.string()).default({}),
  side_data_list: z.array(z.object({ side_data_type: z.string().optional(), rotation: z.number().optional() })).default([]),
});
export type RawStream = z.infer<typeof RawStream>;

export const RawProbe = z.object({
  streams: z.array(RawStream).default([]),
  chapters: z
    .array(z.object({ start_time: z.string(), end_time: z.string(), tags: z.record(z.string(), z.string()).default({}) }))
    .default([]),
  format: z
    .object({ start_time: z.string().optional(), duration: z.string().optional(), bit_rate: z.string().optional() })
    .default({}),
});
export type RawProbe = z.infer<typeof RawProbe>;

/** `-show_entries packet=stream_index,pts_time,dts_time,duration_time,flags`. */
export const RawPackets = z.object({
  packets: z
    .array(
      z.object({
        stream_index: z.int(),
        pts_time: z.string().optional(),
        dts_time: z.string().optional(),
        duration_time: z.string().optional(),
        flags: z.string().default(''),
      }),
    )
    .default([]),
});
export type RawPackets = z.infer<typeof RawPackets>;

/** ffprobe's text for seconds; `N/A`, nothing and nonsense are undefined. */
export function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,4}):(\d\d):(\d\d(?:\.\d+)?)$/.exec(text);
  const value = match ? Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
