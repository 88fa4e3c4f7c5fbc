import type { AudioStream, MediaInfo, NotPlayableReason, SubtitleStream, VideoStream } from '@lodestream/shared';
import { CONTAINERS, type Container, isAllowedAudioCodec, isAllowedVideoCodec, MAX_PIXELS } from '../ffmpeg/allow-lists.ts';
import { parseRational, pickFrameRate } from './frame-rate.ts';
import { type RawProbe, type RawStream, seconds } from './raw-probe.ts';
import { type StreamEnd, statedDuration, tailStart } from './read-tail.ts';

export type ReadProbe = { mediaInfo: MediaInfo } | { reason: NotPlayableReason; detail: string };

/** Titles are shown to viewers and end up in playlists: short, and of one line. */
const MAX_TEXT_CHARACTERS = 200;
const MAX_CHAPTERS = 500;
/** hls.md §2 counts in safe integers; and a longer film is a lie (security.md M2). */
const MAX_DURATION_SECONDS = 24 * 3600;

/**
 * ffprobe's answer → `MediaInfo`, or why the file cannot be played. Times are moved to a timeline that begins at 0, as
 * `-copyts -start_at_zero` does for a run. `ends` says where the packets of each stream really end, where that was read.
 */
export function readProbe(raw: RawProbe, container: Container, ends: ReadonlyMap<number, StreamEnd>): ReadProbe {
  const zero = seconds(raw.format.start_time) ?? 0;
  const media = raw.streams.filter(
    (stream) => (stream.codec_type === 'video' || stream.codec_type === 'audio') && !isCover(stream),
  );
  const refusals = media.map(refusal);
  const playable = media.filter((_, i) => refusals[i] === undefined);
  const video = playable.filter((stream) => stream.codec_type === 'video').map((stream) => videoStream(stream, raw, ends, zero));
  const audio = playable.filter((stream) => stream.codec_type === 'audio').map((stream) => audioStream(stream, raw, ends, zero));
  if (video.length + audio.length === 0) return pickRefusal(refusals);

  const durationSeconds = Math.max(
    ...video.map((stream) => stream.lastFrameSeconds + stream.frameRate.den / stream.frameRate.num),
    ...audio.map((stream) => stream.endSeconds),
  );
  if (!(durationSeconds > 0)) return { reason: 'no-duration', detail: 'nothing in this file says how long it is' };
  if (durationSeconds > MAX_DURATION_SECONDS) return { reason: 'damaged', detail: 'this file claims to be longer than a day' };
  const bitrate = positive(raw.format.bit_rate);
  return {
    mediaInfo: {
      durationSeconds,
      container,
      isIndexed: CONTAINERS[container].isIndexed,
      ...(bitrate === undefined ? {} : { bitrateBitsPerSecond: bitrate }),
      video,
      audio,
      subtitles: raw.streams.filter((stream) => stream.codec_type === 'subtitle' && stream.codec_name).map(subtitleStream),
      chapters: raw.chapters.slice(0, MAX_CHAPTERS).flatMap((chapter) => readChapter(chapter, zero)),
    },
  };
}

/** What a viewer sees or hears. */
export function isPlayed(stream: RawStream): boolean {
  return stream.codec_type === 'audio' || (stream.codec_type === 'video' && !isCover(stream));
}

/** Cover art is a stream to ffmpeg, and no film to a viewer. */
function isCover(stream: RawStream): boolean {
  return stream.disposition.attached_pic === 1 || stream.disposition.timed_thumbnails === 1 || stream.codec_name === 'png';
}

function refusal(stream: RawStream): { reason: NotPlayableReason; detail: string } | undefined {
  const codec = stream.codec_name;
  if (stream.side_data_list.some((data) => data.side_data_type?.startsWith('Encryption')))
    return { reason: 'codec-not-allowed', detail: 'the streams are encrypted' };
  const isAllowed =
    codec !== undefined && (stream.codec_type === 'video' ? isAllowedVideoCodec(codec) : isAllowedAudioCodec(codec));
  if (!isAllowed) return { reason: 'codec-not-allowed', detail: `the ${stream.codec_type} codec is not supported` };
  if (stream.codec_type === 'audio')
    return stream.channels && positive(stream.sample_rate)
      ? undefined
      : { reason: 'damaged', detail: 'the sound cannot be read' };
  const pixels = (stream.width ?? 0) * (stream.height ?? 0);
  if (pixels > MAX_PIXELS) return { reason: 'picture-too-large', detail: 'the picture is larger than 8K' };
  // Without a pixel format not one picture could be decoded.
  return pixels > 0 && stream.pix_fmt ? undefined : { reason: 'damaged', detail: 'no picture could be read' };
}

function pickRefusal(refusals: ReturnType<typeof refusal>[]): { reason: NotPlayableReason; detail: string } {
  return (
    refusals.find((found) => found !== undefined) ?? {
      reason: 'no-media-streams',
      detail: 'there is no picture and no sound in this file',
    }
  );
}

function videoStream(stream: RawStream, raw: RawProbe, ends: ReadonlyMap<number, StreamEnd>, zero: number): VideoStream {
  const frameRate = pickFrameRate(stream.r_frame_rate, stream.avg_frame_rate);
  const startSeconds = (seconds(stream.start_time) ?? zero) - zero;
  const frameSeconds = frameRate.den / frameRate.num;
  const read = ends.get(stream.index);
  const last = read ? read.lastStartSeconds - zero : unreadEnd(stream, raw, startSeconds, ends) - frameSeconds;
  const bitrate = positive(stream.bit_rate);
  return {
    index: stream.index,
    codec: stream.codec_name ?? '',
    ...(typeof stream.profile === 'string' ? { profile: stream.profile } : {}),
    width: stream.width ?? 0,
    height: stream.height ?? 0,
    pixelFormat: stream.pix_fmt ?? '',
    frameRate,
    sampleAspectRatio: parseRational(stream.sample_aspect_ratio, ':') ?? { num: 1, den: 1 },
    rotationDegrees: rotation(stream),
    isInterlaced: ['tt', 'bb', 'tb', 'bt'].includes(stream.field_order ?? ''),
    ...(bitrate === undefined ? {} : { bitrateBitsPerSecond: bitrate }),
    startSeconds,
    lastFrameSeconds: Math.max(0, last),
  };
}

function audioStream(stream: RawStream, raw: RawProbe, ends: ReadonlyMap<number, StreamEnd>, zero: number): AudioStream {
  const startSeconds = (seconds(stream.start_time) ?? zero) - zero;
  const read = ends.get(stream.index);
  return {
    index: stream.index,
    codec: stream.codec_name ?? '',
    channels: stream.channels ?? 0,
    sampleRate: positive(stream.sample_rate) ?? 0,
    ...texts(stream),
    isDefault: stream.disposition.default === 1,
    startSeconds,
    endSeconds: read ? read.endSeconds - zero : unreadEnd(stream, raw, startSeconds, ends),
  };
}

/**
 * The end of a stream that has no packet in the end of the file: its own length, where one is stated and the rest of the
 * file does not make it a lie; else where the reading of the end began; else the file's length.
 */
function unreadEnd(stream: RawStream, raw: RawProbe, startSeconds: number, ends: ReadonlyMap<number, StreamEnd>): number {
  const zero = seconds(raw.format.start_time) ?? 0;
  const stated = statedDuration(stream);
  const whole = seconds(raw.format.duration) ?? 0;
  if (ends.size === 0) return stated === undefined ? whole : startSeconds + stated;
  const lastRead = Math.max(...[...ends.values()].map((end) => end.endSeconds)) - zero;
  const bound = Math.min(lastRead, (tailStart(raw) ?? lastRead) - zero);
  return Math.max(0, Math.min(bound, stated === undefined ? bound : startSeconds + stated));
}

function subtitleStream(stream: RawStream): SubtitleStream {
  return {
    index: stream.index,
    codec: stream.codec_name ?? '',
    ...texts(stream),
    isDefault: stream.disposition.default === 1,
    isForced: stream.disposition.forced === 1,
  };
}

function readChapter(chapter: RawProbe['chapters'][number], zero: number): MediaInfo['chapters'] {
  const start = seconds(chapter.start_time);
  const end = seconds(chapter.end_time);
  if (start === undefined || end === undefined) return [];
  const title = oneLine(chapter.tags.title);
  return [{ startSeconds: Math.max(0, start - zero), endSeconds: Math.max(0, end - zero), ...(title ? { title } : {}) }];
}

function texts(stream: RawStream): { language?: string; title?: string } {
  const language = stream.tags.language?.toLowerCase();
  const title = oneLine(stream.tags.title);
  return {
    ...(language && language !== 'und' && /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/.test(language) ? { language } : {}),
    ...(title ? { title } : {}),
  };
}

function oneLine(text: string | undefined): string | undefined {
  return (
    text
      ?.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
      .trim()
      .slice(0, MAX_TEXT_CHARACTERS) || undefined
  );
}

/** ffprobe counts anticlockwise (-90 is a phone held upright); we count clockwise, in quarter turns. */
function rotation(stream: RawStream): number {
  const angle = stream.side_data_list.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  return (((Math.round(-angle / 90) % 4) + 4) % 4) * 90;
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
