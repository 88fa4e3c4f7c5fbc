import type { AudioRendition, RunSpec, VideoRendition } from '@lodestream/shared';
import { frameSeconds, planRun, type RunPlan } from '../run/run-plan.ts';
import { buildGuardOptions } from './allow-lists.ts';

/** One ffmpeg command in the four pieces that every spawner knows; `flattenCommand` is the argv. */
export type FfmpegCommandLine = { inputOptions: string[]; source: string; outputOptions: string[]; target: string };

/** Files of a run, relative to its work directory, which is ffmpeg's current directory. */
export const INIT_FILE = 'init.mp4';
export const PART_FILE = /^(\d+)\.m4s$/;
export const partFile = (part: number): string => `${part}.m4s`;
const PART_PATTERN = '%d.m4s';
const PLAYLIST_FILE = 'ffmpeg.m3u8';

/** A seek in an indexed container lands on the keyframe before; the margin covers rounded timestamps (hls.md §3). */
const INDEXED_PREROLL_SECONDS = 0.2;
/** Elsewhere a seek may land after its target: at least the longest usual GOP (measured for TS and PS, hls.md §3). */
const UNINDEXED_PREROLL_SECONDS = 12;
/** Input margin of an audio run before its own preroll: AC-3 needs the frame before (hls.md §4). */
const AUDIO_PREROLL_SECONDS = 0.5;
/** AAC frames encoded and dropped before the first: 4 make the decoded seam bit-exact with `-q:a` (hls.md §4). */
const AUDIO_PREROLL_FRAMES = 4;
const AAC_FRAME_SAMPLES = 1024;
/**
 * And frames encoded and dropped after the last: an AAC frame overlaps the next one, so the run's last frame is only that of
 * one pass when what follows was encoded with it. Without them every end of a run is a click (measured: 2048 samples).
 */
const AUDIO_POSTROLL_FRAMES = 2;
/** Constant quality: the encoder has no rate state, so runs agree; 115–150 kb/s stereo (hls.md §4). */
const AAC_QUALITY = 1.2;
/** A last picture may stand so long when the container promised more than it has; beyond it the run is broken. */
const MAX_PAD_SECONDS = 5;
/** The playlist is ours to ignore: a short one costs no rewriting of thousands of lines. */
const KEPT_PLAYLIST_ENTRIES = 2;

/**
 * The command of a run (hls.md §3, §3b and §4). A pure function of the spec and of our own proxy's URL: no text of a
 * user reaches it. Throws when the spec names a container outside of the allow-list or a segment outside of the film.
 */
export function buildRunCommand(spec: RunSpec, sourceUrl: string): FfmpegCommandLine {
  const plan = planRun(spec);
  const { rendition } = spec;
  const body = rendition.kind === 'video' ? videoOptions(rendition, plan) : audioOptions(rendition, plan, spec);
  return {
    inputOptions: [
      ...['-nostdin', '-v', 'warning', '-nostats'],
      ...['-filter_threads', String(spec.ffmpegThreads)],
      // A change of size or channels inside the file would rebuild the graph and replay frames from its start (hls.md §3).
      ...['-reinit_filter', '0'],
      ...seekOptions(spec, plan),
      ...['-copyts', '-start_at_zero'],
      ...['-threads', String(spec.ffmpegThreads)],
      ...buildGuardOptions(spec.container),
    ],
    source: sourceUrl,
    outputOptions: [
      ...['-map', `0:${rendition.streamIndex}`],
      ...body,
      ...['-threads', String(spec.ffmpegThreads)],
      ...['-avoid_negative_ts', 'disabled', '-map_metadata', '-1', '-map_chapters', '-1', '-max_muxing_queue_size', '1024'],
      ...hlsOptions(rendition, plan),
    ],
    target: PLAYLIST_FILE,
  };
}

export function flattenCommand(line: FfmpegCommandLine): string[] {
  return [...line.inputOptions, '-i', line.source, '-y', ...line.outputOptions, line.target];
}

function seekOptions(spec: RunSpec, plan: RunPlan): string[] {
  if (plan.startSegment === 0) return [];
  const { rendition } = spec;
  const unindexed = spec.isIndexed ? 0 : UNINDEXED_PREROLL_SECONDS;
  if (rendition.kind === 'audio') {
    const seconds = audioStartSamples(plan) / rendition.timeline.timescale - Math.max(AUDIO_PREROLL_SECONDS, unindexed);
    // Without -noaccurate_seek the samples before the seek are dropped by ffmpeg itself.
    return seconds > 0 ? ['-ss', seconds.toFixed(6)] : [];
  }
  const seconds = frameSeconds(rendition.timeline, plan.firstFrame) - Math.max(INDEXED_PREROLL_SECONDS, unindexed);
  // The fps filter trims exactly; ffmpeg's own trim would cut before it and by the source's clock.
  return seconds > 0 ? ['-noaccurate_seek', '-ss', seconds.toFixed(6)] : [];
}

function videoOptions(rendition: VideoRendition, plan: RunPlan): string[] {
  const { encoding, timeline } = rendition;
  const start = frameSeconds(timeline, plan.firstFrame).toFixed(9);
  const filters = [
    // Before fps: the frames of the preroll are its neighbours, so that a seam is as smooth as any other frame.
    ...(encoding.isInterlaced ? ['bwdif=mode=send_frame:parity=auto:deint=interlaced'] : []),
    ...(encoding.shiftSeconds ? [`setpts=PTS+(${encoding.shiftSeconds})/TB`] : []),
    `fps=${timeline.timescale}/${timeline.frameTicks}:round=near:start_time=${start}`,
    // out_range: phone cameras and MJPEG are full range, and browsers take the stream for limited.
    `scale=${encoding.width}:${encoding.height}:out_range=limited`,
    'setsar=1',
    'format=yuv420p',
    ...(plan.isLastSegment ? [`tpad=stop_mode=clone:stop_duration=${MAX_PAD_SECONDS}`] : []),
  ];
  const idr = timeline.framesPerIdr;
  return [
    ...['-an', '-sn', '-dn'],
    ...['-vf', filters.join(',')],
    ...['-frames:v', String(plan.frameCount), '-fps_mode', 'passthrough'],
    ...['-c:v', 'libx264', '-preset', encoding.preset, '-profile:v', 'high', '-level:v', (encoding.level / 10).toFixed(1)],
    ...['-crf', String(encoding.crf)],
    ...['-maxrate', String(encoding.maxBitrateBitsPerSecond), '-bufsize', String(2 * encoding.maxBitrateBitsPerSecond)],
    // IDR by frame count and nowhere else; -force_key_frames counts frames of this run, which starts on the grid.
    ...['-g', String(idr), '-keyint_min', String(idr), '-sc_threshold', '0', '-forced-idr', '1'],
    ...['-force_key_frames', `expr:eq(mod(n,${idr}),0)`],
    // The lookahead holds back the first frames: worth 0.2–0.3 s of a start, and it does not touch the init (hls.md §3b).
    ...['-x264-params', 'rc-lookahead=5:sync-lookahead=0'],
  ];
}

function audioOptions(rendition: AudioRendition, plan: RunPlan, { streamEndSeconds, soundFrames }: RunSpec): string[] {
  const { timeline } = rendition;
  const rate = timeline.timescale;
  const endFrame = plan.firstFrame + plan.frameCount;
  const endSamples = Math.min((endFrame + AUDIO_POSTROLL_FRAMES) * AAC_FRAME_SAMPLES, timeline.totalTicks);
  const isBeyondSound = streamEndSeconds !== undefined && endSamples / rate > streamEndSeconds - AUDIO_PREROLL_SECONDS;
  const filters = [
    ...(soundFrames ? [exactTimes(soundFrames)] : []),
    // Two: first_pts counts in the rate of its input, so the resampling to 48 kHz is a filter of its own (hls.md §4).
    `aresample=${rate}`,
    `aresample=async=1:min_hard_comp=0.1:first_pts=${audioStartSamples(plan)}`,
    'aformat=channel_layouts=stereo',
    // Without options, then cut: apad=whole_len pads nothing here (hls.md §4). atrim is its bound.
    ...(plan.isLastSegment || isBeyondSound ? ['apad'] : []),
    `atrim=end_pts=${endSamples}`,
  ];
  // Half-way between two frames, so that no rounding matters.
  const edge = (frame: number) => frameSeconds(timeline, frame - 0.25).toFixed(6);
  return [
    ...['-vn', '-sn', '-dn'],
    ...['-af', filters.join(',')],
    ...['-c:a', 'aac', '-q:a', String(AAC_QUALITY)],
    // Drops the encoder's priming, our preroll and our postroll: the first packet left is exactly the grid's.
    ...['-bsf:a', `noise=drop=lt(pts*tb\\,${edge(plan.firstFrame)})+gt(pts*tb\\,${edge(endFrame)})`],
  ];
}

/**
 * Puts the end of every frame on the lattice that the stream's own frames make, in samples: Matroska's milliseconds are up to
 * 24 samples beside it, and the first frame of a run says where all that follow lie. By its end, because a seek cuts the
 * first frame at its front.
 */
function exactTimes({ startSeconds, frameSamples, sampleRate }: NonNullable<RunSpec['soundFrames']>): string {
  const start = Math.round(startSeconds * sampleRate);
  return `asetpts=round((PTS+NB_SAMPLES-(${start}))/${frameSamples})*${frameSamples}-NB_SAMPLES+(${start})`;
}

function hlsOptions(rendition: VideoRendition | AudioRendition, plan: RunPlan): string[] {
  const { timeline } = rendition;
  // Rounded down: a part may be a microsecond short for hours, but one too long shifts every later file (hls.md §1.4).
  const partMicroseconds = Math.floor((timeline.framesPerPart * timeline.frameTicks * 1e6) / timeline.timescale);
  // negative_cts_offsets: no edit list, so that inits agree; frag_discont: tfdt is absolute (hls.md §1.5).
  const cts = rendition.kind === 'video' ? '+negative_cts_offsets' : '';
  return [
    ...['-f', 'hls', '-hls_time', (partMicroseconds / 1e6).toFixed(6)],
    ...['-start_number', String(plan.firstPart), '-hls_list_size', String(KEPT_PLAYLIST_ENTRIES)],
    // temp_file: the rename says that a part is whole. split_by_time: parts are not cut at keyframes.
    ...['-hls_flags', 'temp_file+split_by_time'],
    ...['-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', INIT_FILE],
    ...['-hls_segment_options', `movflags=+frag_discont${cts}+default_base_moof+skip_sidx`],
    ...['-hls_segment_filename', PART_PATTERN],
  ];
}

function audioStartSamples(plan: RunPlan): number {
  return AAC_FRAME_SAMPLES * Math.max(0, plan.firstFrame - AUDIO_PREROLL_FRAMES);
}
