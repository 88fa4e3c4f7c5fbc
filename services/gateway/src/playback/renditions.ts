import { createHash } from 'node:crypto';
import {
  type AudioRendition,
  type AudioStream,
  buildAudioTimeline,
  buildVideoTimeline,
  type MediaInfo,
  type Rendition,
  sanitizeDisplayName,
  segmentDurationSeconds,
  type VideoEncoding,
  type VideoRendition,
  type VideoStream,
} from '@lodestream/shared';

/** Changes whenever the same settings would give other bytes: an upgrade never mixes old segments with a new init. */
const SCHEME_VERSION = 2;
const MAX_HEIGHT = 1080;
const MAX_WIDTH = 1920;
const CRF = 22;
/** `-q:a 1.2` stays below this (hls.md §4). */
const AUDIO_BANDWIDTH = 192_000;
/** More of a track's title fits on no menu. */
const MAX_NAME_CHARACTERS = 80;

/** Bit budget and level by size, either way round. Levels are H.264 table A-1 for the size at up to 30 and up to 60 frames a second. */
const RUNGS = [
  { width: 640, height: 360, bitsPerSecond: 1_400_000, level: [30, 31] },
  { width: 854, height: 480, bitsPerSecond: 2_100_000, level: [31, 32] },
  { width: 1280, height: 720, bitsPerSecond: 4_000_000, level: [31, 32] },
  { width: MAX_WIDTH, height: MAX_HEIGHT, bitsPerSecond: 8_000_000, level: [40, 42] },
] as const;

/**
 * The renditions of a file: one encoded video rendition of at most 1080p, never larger than the source, and every audio
 * track in stereo. A pure function of the media info and the deployment's segment length.
 */
export function buildRenditions(media: MediaInfo, targetSegmentSeconds: number): Rendition[] {
  const video = media.video.slice(0, 1).map((stream) => videoRendition(stream, targetSegmentSeconds));
  const first = video[0];
  const segmentSeconds = first ? gridSeconds(first) : targetSegmentSeconds;
  const audio = nameTracks(media.audio).map(({ stream, name }, position) =>
    audioRendition(stream, name, position === defaultTrack(media.audio), media.durationSeconds, segmentSeconds),
  );
  return [...video, ...audio];
}

/**
 * What moves the first picture onto the grid. Matroska files of ffmpeg begin their sound at 0 and their picture 21 ms later,
 * half a frame at 24 fps: rounded to milliseconds, every picture would fall to one side or the other (measured: 175 of 599
 * shown twice and 174 never).
 */
function gridShiftSeconds({ startSeconds, frameRate: { num, den } }: VideoStream): number {
  const shift = (Math.round((startSeconds * num) / den) * den) / num - startSeconds;
  return Number(shift.toFixed(6)) + 0;
}

function videoRendition(stream: VideoStream, targetSegmentSeconds: number): VideoRendition {
  const { num, den } = stream.frameRate;
  const shiftSeconds = gridShiftSeconds(stream);
  const frameCount = Math.max(1, Math.floor(((stream.lastFrameSeconds + shiftSeconds) * num) / den + 0.5) + 1);
  const size = outputSize(stream);
  const [short, long] = [Math.min(size.width, size.height), Math.max(size.width, size.height)];
  // By both sides: 1920×696 (2.76:1) is low, but has more macroblocks than the level of 720p allows.
  const rung = RUNGS.find((candidate) => short <= candidate.height && long <= candidate.width) ?? RUNGS[3];
  const encoding: VideoEncoding = {
    ...size,
    level: rung.level[num / den > 30 ? 1 : 0],
    crf: CRF,
    maxBitrateBitsPerSecond: rung.bitsPerSecond,
    preset: 'veryfast',
    isInterlaced: stream.isInterlaced,
    rotationDegrees: stream.rotationDegrees,
    shiftSeconds,
  };
  return {
    kind: 'video',
    id: renditionId(`v${short}`, { encoding, streamIndex: stream.index, frameRate: stream.frameRate, targetSegmentSeconds }),
    mode: 'encode',
    streamIndex: stream.index,
    codecs: `avc1.6400${encoding.level.toString(16).padStart(2, '0').toUpperCase()}`,
    bandwidthBitsPerSecond: rung.bitsPerSecond,
    frameRate: stream.frameRate,
    encoding,
    timeline: buildVideoTimeline(stream.frameRate, frameCount, targetSegmentSeconds),
  };
}

function audioRendition(
  stream: AudioStream,
  name: string,
  isDefault: boolean,
  durationSeconds: number,
  segmentSeconds: number,
): AudioRendition {
  return {
    kind: 'audio',
    id: renditionId(`a${stream.index}`, { streamIndex: stream.index, segmentSeconds, channels: 2 }),
    mode: 'encode',
    streamIndex: stream.index,
    codecs: 'mp4a.40.2',
    bandwidthBitsPerSecond: AUDIO_BANDWIDTH,
    channels: 2,
    name,
    ...(stream.language ? { language: stream.language } : {}),
    isDefault,
    timeline: buildAudioTimeline(durationSeconds, segmentSeconds),
  };
}

/** Display size: square pixels, upright, at most 1920×1080 either way round, even, never larger than the source. */
function outputSize(stream: VideoStream): { width: number; height: number } {
  const aspect = stream.sampleAspectRatio.num / stream.sampleAspectRatio.den;
  const wide = { width: stream.width * aspect, height: stream.height };
  const upright = stream.rotationDegrees % 180 === 0 ? wide : { width: wide.height, height: wide.width };
  const isPortrait = upright.height > upright.width;
  const box = isPortrait ? { width: MAX_HEIGHT, height: MAX_WIDTH } : { width: MAX_WIDTH, height: MAX_HEIGHT };
  const scale = Math.min(1, box.width / upright.width, box.height / upright.height);
  return { width: even(upright.width * scale), height: even(upright.height * scale) };
}

/** Down, because up would be a line more than there is; the grain is for 1079.9999 that should be 1080. */
function even(pixels: number): number {
  return Math.max(2, Math.floor(pixels / 2 + 1e-6) * 2);
}

function gridSeconds(rendition: VideoRendition): number {
  const { timeline } = rendition;
  return (timeline.framesPerSegment * timeline.frameTicks) / timeline.timescale || segmentDurationSeconds(timeline, 0);
}

function defaultTrack(streams: readonly AudioStream[]): number {
  return Math.max(
    0,
    streams.findIndex((stream) => stream.isDefault),
  );
}

/** A name for each track: its title, else its language, else its number; made unique, as RFC 8216 §4.3.4.1.1 asks. */
function nameTracks(streams: readonly AudioStream[]): { stream: AudioStream; name: string }[] {
  const taken = new Set<string>();
  return streams.map((stream, position) => {
    const base = quotable(stream.title ?? '') || quotable(stream.language ?? '') || `Track ${position + 1}`;
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base} (${n})`;
    taken.add(name);
    return { stream, name };
  });
}

/** What the file says, as a quoted-string can carry it (RFC 8216 §4.2): before names are compared, or two could fall together. */
function quotable(text: string): string {
  return [...sanitizeDisplayName(text.replaceAll('"', "'"))].slice(0, MAX_NAME_CHARACTERS).join('').trim();
}

function renditionId(prefix: string, settings: object): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([SCHEME_VERSION, settings]))
    .digest('hex');
  return `${prefix}-${hash.slice(0, 8)}`;
}
