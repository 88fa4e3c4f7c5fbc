/**
 * What ffmpeg may open at all (security.md §6.5, findings 7 and 8). A demuxer outside of the list can fetch other URLs
 * (playlists), a decoder outside of it is code that nobody has fuzzed for us. Names are ffmpeg's own; several decoders
 * may exist for one codec, and only the ones that ffmpeg picks by default are listed.
 */

/** Demuxers by the name in `MediaInfo.container`; indexed: a seek lands before its target (hls.md §3). */
export const CONTAINERS = {
  matroska: { isIndexed: true },
  mov: { isIndexed: true },
  avi: { isIndexed: true },
  flv: { isIndexed: true },
  wav: { isIndexed: true },
  mpegts: { isIndexed: false },
  mpeg: { isIndexed: false },
  ogg: { isIndexed: false },
  asf: { isIndexed: false },
  mp3: { isIndexed: false },
  flac: { isIndexed: false },
  aac: { isIndexed: false },
  ac3: { isIndexed: false },
} as const;
export type Container = keyof typeof CONTAINERS;

/** codec → the decoders that ffmpeg may pick for it. */
const VIDEO_DECODERS: Record<string, string> = {
  h264: 'h264',
  hevc: 'hevc',
  av1: 'libdav1d',
  vp8: 'vp8',
  vp9: 'vp9',
  mpeg4: 'mpeg4',
  mpeg2video: 'mpeg2video',
  mpeg1video: 'mpeg1video',
  msmpeg4v1: 'msmpeg4v1',
  msmpeg4v2: 'msmpeg4v2',
  msmpeg4v3: 'msmpeg4',
  vc1: 'vc1',
  wmv1: 'wmv1',
  wmv2: 'wmv2',
  wmv3: 'wmv3',
  theora: 'theora',
  h263: 'h263',
  flv1: 'flv',
  vp6: 'vp6',
  vp6f: 'vp6f',
  mjpeg: 'mjpeg',
  dvvideo: 'dvvideo',
  prores: 'prores',
  qtrle: 'qtrle',
};

const AUDIO_DECODERS: Record<string, string> = {
  aac: 'aac',
  ac3: 'ac3',
  eac3: 'eac3',
  dts: 'dca',
  truehd: 'truehd',
  mlp: 'mlp',
  // Which of the two ffmpeg prefers differs between its versions.
  mp3: 'mp3float,mp3',
  mp2: 'mp2float,mp2',
  mp1: 'mp1float,mp1',
  flac: 'flac',
  opus: 'opus',
  vorbis: 'vorbis',
  alac: 'alac',
  wmav1: 'wmav1',
  wmav2: 'wmav2',
  wmapro: 'wmapro',
  wmavoice: 'wmavoice',
  amr_nb: 'amrnb',
  amr_wb: 'amrwb',
  adpcm_ms: 'adpcm_ms',
  adpcm_ima_wav: 'adpcm_ima_wav',
  adpcm_ima_qt: 'adpcm_ima_qt',
  adpcm_swf: 'adpcm_swf',
  nellymoser: 'nellymoser',
  speex: 'speex',
  metasound: 'metasound',
  ...Object.fromEntries(
    [
      'pcm_s16le',
      'pcm_s16be',
      'pcm_s24le',
      'pcm_s24be',
      'pcm_s32le',
      'pcm_s32be',
      'pcm_f32le',
      'pcm_f32be',
      'pcm_u8',
      'pcm_s8',
      'pcm_alaw',
      'pcm_mulaw',
      'pcm_bluray',
      'pcm_dvd',
    ].map((name) => [name, name]),
  ),
};

/**
 * Listed because ffprobe fails as a whole when one stream has a decoder that is not: subtitles and cover art, which a run
 * never decodes.
 */
const PROBE_ONLY_DECODERS = ['png', 'srt', 'subrip', 'ass', 'ssa', 'webvtt', 'mov_text', 'pgssub', 'dvdsub', 'dvbsub'];

export const isAllowedVideoCodec = (codec: string): boolean => Object.hasOwn(VIDEO_DECODERS, codec);
export const isAllowedAudioCodec = (codec: string): boolean => Object.hasOwn(AUDIO_DECODERS, codec);
export const isContainer = (name: string): name is Container => Object.hasOwn(CONTAINERS, name);

const DECODER_LIST = [...Object.values(VIDEO_DECODERS), ...Object.values(AUDIO_DECODERS), ...PROBE_ONLY_DECODERS].join(',');

/** 8192×4320; a picture of 16000×16000 costs 53 MB instead of 828 MB with it (finding 9). */
export const MAX_PIXELS = 35_389_440;
/** A file with 100 streams probes in 0.06 s; ffmpeg's own limit is 1000. */
const MAX_STREAMS = 100;

/**
 * Input options of every ffmpeg and ffprobe: one demuxer, known decoders, our loopback proxy and nothing else.
 * Throws when the container is not one of ours: the text never reaches a command line.
 */
export function buildGuardOptions(container: string): string[] {
  if (!isContainer(container)) throw new Error('the container is not in the allow-list');
  return [
    ...['-protocol_whitelist', 'http,tcp'],
    ...['-f', container],
    ...['-format_whitelist', container],
    ...['-codec_whitelist', DECODER_LIST],
    ...['-max_pixels', String(MAX_PIXELS)],
    ...['-max_streams', String(MAX_STREAMS)],
    // An unindexed container tells its streams late; the same bounds everywhere, so that stream indices agree.
    ...(CONTAINERS[container].isIndexed ? [] : ['-probesize', '20M', '-analyzeduration', '10M']),
  ];
}
