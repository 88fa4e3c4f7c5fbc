import {
  type AudioRendition,
  buildAudioTimeline,
  buildVideoTimeline,
  type RunSpec,
  type VideoRendition,
} from '@lodestream/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildRunCommand, flattenCommand } from './ffmpeg-args.ts';

const video = {
  kind: 'video',
  streamIndex: 0,
  encoding: {
    width: 1280,
    height: 720,
    level: 31,
    crf: 22,
    maxBitrateBitsPerSecond: 4_000_000,
    preset: 'veryfast',
    isInterlaced: false,
    rotationDegrees: 0,
  },
  timeline: buildVideoTimeline({ num: 24000, den: 1001 }, 2998),
} as VideoRendition;
const audio = { kind: 'audio', streamIndex: 1, timeline: buildAudioTimeline(125.04, 10.01) } as AudioRendition;
const spec = { container: 'matroska', isIndexed: true, rendition: video, startSegment: 3, until: 5, ffmpegThreads: 2 } as RunSpec;

const argvOf = (more: Partial<RunSpec>) => flattenCommand(buildRunCommand({ ...spec, ...more }, 'http://127.0.0.1:1/x'));
const option = (argv: string[], name: string) => argv[argv.indexOf(name) + 1];

describe('a video run', () => {
  test('is the command of hls.md §3 and §3b', () => {
    const argv = argvOf({});
    expect(argv.join(' ')).toContain('-noaccurate_seek -ss 29.830000 -copyts -start_at_zero');
    expect(option(argv, '-vf')).toBe(
      'fps=24000/1001:round=near:start_time=30.030000000,scale=1280:720:out_range=limited,setsar=1,format=yuv420p',
    );
    expect(
      ['-frames:v', '-g', '-force_key_frames', '-hls_time', '-start_number', '-profile:v', '-level:v'].map((name) =>
        option(argv, name),
      ),
    ).toEqual(['480', '48', 'expr:eq(mod(n,48),0)', '0.500500', '60', 'high', '3.1']);
    expect(option(argv, '-hls_segment_options')).toBe('movflags=+frag_discont+negative_cts_offsets+default_base_moof+skip_sidx');
    expect(option(argv, '-hls_flags')).toBe('temp_file+split_by_time');
  });

  test('from the start seeks nowhere', () => {
    expect(argvOf({ startSegment: 0 })).not.toContain('-ss');
  });

  test('in a container without an index starts reading a whole GOP before', () => {
    expect(option(argvOf({ container: 'mpegts', isIndexed: false }), '-ss')).toBe('18.030000');
    expect(argvOf({ container: 'mpegts', isIndexed: false, startSegment: 1, until: 2 })).not.toContain('-ss');
  });

  test('pads only the last segment, and that by a bound', () => {
    expect(option(argvOf({ startSegment: 12, until: null }), '-vf')).toContain('tpad=stop_mode=clone:stop_duration=5');
    expect(option(argvOf({ startSegment: 11, until: null }), '-vf')).not.toContain('tpad');
    expect(option(argvOf({ startSegment: 12, until: null }), '-frames:v')).toBe('118');
  });

  test('deinterlaces before the frame rate is made', () => {
    const interlaced = { ...video, encoding: { ...video.encoding, isInterlaced: true } };
    expect(option(argvOf({ rendition: interlaced }), '-vf')).toMatch(/^bwdif=mode=send_frame[^,]*,fps=/);
  });
});

describe('an audio run', () => {
  test('is the command of hls.md §4, with what an AAC frame looks at before and after', () => {
    const argv = argvOf({ rendition: audio, startSegment: 2, until: 4 });
    expect(option(argv, '-ss')).toBe((((960 - 4) * 1024) / 48000 - 0.5).toFixed(6));
    expect(option(argv, '-af')).toBe(
      `aresample=48000,aresample=async=1:min_hard_comp=0.1:first_pts=${956 * 1024},aformat=channel_layouts=stereo,atrim=end_pts=${1922 * 1024}`,
    );
    expect(option(argv, '-bsf:a')).toBe('noise=drop=lt(pts*tb\\,20.474667)+gt(pts*tb\\,40.954667)');
    expect(['-q:a', '-hls_time', '-start_number'].map((name) => option(argv, name))).toEqual(['1.2', '0.512000', '40']);
  });

  test('pads where the film or its own sound ends, and nowhere else', () => {
    const last = audio.timeline.segmentCount - 1;
    expect(option(argvOf({ rendition: audio, startSegment: last, until: null }), '-af')).toContain(
      `apad,atrim=end_pts=${audio.timeline.totalTicks}`,
    );
    expect(option(argvOf({ rendition: audio, streamEndSeconds: 30, until: 4 }), '-af')).toContain('apad,');
    expect(option(argvOf({ rendition: audio, streamEndSeconds: 100, until: 4 }), '-af')).not.toContain('apad');
  });
});

test('no text of a spec reaches the command line but what is in its closed lists', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      const marked = `${text}-marked`;
      const named = {
        ...spec,
        name: marked,
        source: { url: marked, token: marked },
        rendition: { ...video, id: marked, codecs: marked },
      };
      expect(flattenCommand(buildRunCommand(named, 'http://127.0.0.1:1/x')).join('\n')).not.toContain('-marked');
      expect(() => buildRunCommand({ ...spec, container: marked }, 'http://127.0.0.1:1/x')).toThrow();
    }),
  );
});
