import { type AudioStream, MediaInfo, Rendition, type VideoRendition, type VideoStream } from '@lodestream/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RenditionParameter } from '../routes/parameters.ts';
import { buildRenditions } from './renditions.ts';

function picture(change: Partial<VideoStream> = {}): VideoStream {
  return {
    index: 0,
    codec: 'h264',
    width: 1920,
    height: 1080,
    pixelFormat: 'yuv420p',
    frameRate: { num: 24, den: 1 },
    sampleAspectRatio: { num: 1, den: 1 },
    rotationDegrees: 0,
    isInterlaced: false,
    startSeconds: 0,
    lastFrameSeconds: 60 - 1 / 24,
    ...change,
  };
}

function sound(index: number, change: Partial<AudioStream> = {}): AudioStream {
  return { index, codec: 'aac', channels: 6, sampleRate: 48_000, isDefault: false, startSeconds: 0, endSeconds: 60, ...change };
}

function media(video: VideoStream[], audio: AudioStream[] = [], durationSeconds = 60): MediaInfo {
  return { durationSeconds, container: 'matroska', isIndexed: true, video, audio, subtitles: [], chapters: [] };
}

function videoOf(change: Partial<VideoStream>, targetSeconds = 10): VideoRendition {
  const found = buildRenditions(media([picture(change)]), targetSeconds)[0];
  if (found?.kind !== 'video') throw new Error('no video rendition');
  return found;
}
const sizeOf = (change: Partial<VideoStream>) => {
  const { width, height } = videoOf(change).encoding;
  return `${width}x${height}`;
};

const pictures = fc
  .record({
    width: fc.integer({ min: 2, max: 8192 }),
    height: fc.integer({ min: 2, max: 8192 }),
    sampleAspectRatio: fc.record({ num: fc.integer({ min: 1, max: 64 }), den: fc.integer({ min: 1, max: 64 }) }),
    rotationDegrees: fc.constantFrom(0, 90, 180, 270),
    frameRate: fc.oneof(
      fc.constantFrom({ num: 24000, den: 1001 }, { num: 25, den: 1 }, { num: 60, den: 1 }),
      fc.record({ num: fc.integer({ min: 10, max: 600 }), den: fc.constant(10) }),
    ),
    isInterlaced: fc.boolean(),
  })
  .map(picture);
const sounds = fc
  .array(
    fc.record({
      title: fc.option(fc.oneof(fc.constantFrom('English', 'A"B', 'A B', ' ', 'English (2)'), fc.string()), { nil: undefined }),
      language: fc.option(fc.constantFrom('en', 'de', 'und', ''), { nil: undefined }),
      isDefault: fc.boolean(),
    }),
    { maxLength: 6 },
  )
  .map((list) =>
    list.map(({ title, language, isDefault }, at) =>
      sound(at + 1, { isDefault, ...(title === undefined ? {} : { title }), ...(language === undefined ? {} : { language }) }),
    ),
  );

describe('the size of the picture', () => {
  it.each([
    ['1080p', { width: 1920, height: 1080 }, '1920x1080'],
    ['4k', { width: 3840, height: 2160 }, '1920x1080'],
    ['a wide film', { width: 3840, height: 1600 }, '1920x800'],
    ['a small one as it is', { width: 640, height: 360 }, '640x360'],
    ['4:3', { width: 1440, height: 1080 }, '1440x1080'],
    ['a portrait phone', { width: 1080, height: 1920 }, '1080x1920'],
    ['a large portrait phone', { width: 2160, height: 3840 }, '1080x1920'],
    ['a turned phone', { width: 1920, height: 1080, rotationDegrees: 90 }, '1080x1920'],
    ['one upside down', { width: 1280, height: 720, rotationDegrees: 180 }, '1280x720'],
    ['an anamorphic PAL disc', { width: 720, height: 576, sampleAspectRatio: { num: 64, den: 45 } }, '1024x576'],
    ['HDV', { width: 1440, height: 1080, sampleAspectRatio: { num: 4, den: 3 } }, '1920x1080'],
    ['odd sizes, never a line more than there is', { width: 853, height: 479 }, '852x478'],
    ['odd sizes near the limit', { width: 1919, height: 1079 }, '1918x1078'],
  ])('of %s', (_name, change, size) => {
    expect(sizeOf(change)).toBe(size);
  });

  it('is even, within 1920×1080 either way round, and never larger than the source as shown', () => {
    fc.assert(
      fc.property(pictures, (stream) => {
        const { width, height } = videoOf(stream).encoding;
        expect([width % 2, height % 2]).toEqual([0, 0]);
        expect(Math.max(width, height)).toBeLessThanOrEqual(1920);
        expect(Math.min(width, height)).toBeLessThanOrEqual(1080);
        const wide = (stream.width * stream.sampleAspectRatio.num) / stream.sampleAspectRatio.den;
        const isUpright = stream.rotationDegrees % 180 === 0;
        expect(width).toBeLessThanOrEqual(Math.max(2, isUpright ? wide : stream.height) + 1e-3);
        expect(height).toBeLessThanOrEqual(Math.max(2, isUpright ? stream.height : wide) + 1e-3);
      }),
    );
  });

  it('keeps the shape to the line', () => {
    fc.assert(
      fc.property(pictures, (stream) => {
        const { width, height } = videoOf(stream).encoding;
        const wide = (stream.width * stream.sampleAspectRatio.num) / stream.sampleAspectRatio.den;
        const aspect = stream.rotationDegrees % 180 === 0 ? wide / stream.height : stream.height / wide;
        fc.pre(width > 2 && height > 2);
        expect(width).toBeGreaterThan((height - 0.01) * aspect - 2.01);
        expect(height).toBeGreaterThan((width - 0.01) / aspect - 2.01);
      }),
    );
  });
});

describe('the codec that the playlist promises', () => {
  it.each([
    [{ width: 640, height: 360 }, 'avc1.64001E'],
    [{ width: 640, height: 360, frameRate: { num: 60, den: 1 } }, 'avc1.64001F'],
    [{ width: 1280, height: 720 }, 'avc1.64001F'],
    [{ width: 1280, height: 720, frameRate: { num: 60, den: 1 } }, 'avc1.640020'],
    [{ width: 1920, height: 696 }, 'avc1.640028'],
    [{ width: 1920, height: 1080, frameRate: { num: 30000, den: 1001 } }, 'avc1.640028'],
    [{ width: 1920, height: 1080, frameRate: { num: 61, den: 2 } }, 'avc1.64002A'],
    [{ width: 1920, height: 1080, frameRate: { num: 60000, den: 1001 } }, 'avc1.64002A'],
  ])('%j is %s', (change, codecs) => {
    expect(videoOf(change).codecs).toBe(codecs);
  });

  /** H.264 table A-1: macroblocks in a frame and in a second. */
  const LEVELS: Record<number, { frame: number; second: number }> = {
    30: { frame: 1620, second: 40_500 },
    31: { frame: 3600, second: 108_000 },
    32: { frame: 5120, second: 216_000 },
    40: { frame: 8192, second: 245_760 },
    42: { frame: 8704, second: 522_240 },
  };

  it('has a level that allows the size and the rate (H.264 table A-1)', () => {
    fc.assert(
      fc.property(pictures, (stream) => {
        const { encoding, frameRate } = videoOf(stream);
        const blocks = Math.ceil(encoding.width / 16) * Math.ceil(encoding.height / 16);
        const level = LEVELS[encoding.level];
        expect(blocks, `${encoding.width}x${encoding.height}`).toBeLessThanOrEqual(level?.frame ?? 0);
        expect((blocks * frameRate.num) / frameRate.den).toBeLessThanOrEqual(level?.second ?? 0);
      }),
    );
  });
});

describe('the id of a rendition', () => {
  it('is the same for the same settings, and one that the routes take', () => {
    fc.assert(
      fc.property(pictures, sounds, (stream, tracks) => {
        const first = buildRenditions(media([stream], tracks), 10);
        expect(buildRenditions(structuredClone(media([stream], tracks)), 10)).toEqual(first);
        expect(new Set(first.map(({ id }) => id)).size).toBe(first.length);
        for (const { id } of first) expect(RenditionParameter.safeParse(id).success).toBe(true);
      }),
    );
  });

  it.each([
    ['the size', { width: 1280, height: 720 }],
    ['the shape', { width: 1440 }],
    ['the stream', { index: 3 }],
    ['the rate', { frameRate: { num: 25, den: 1 } }],
    ['interlacing', { isInterlaced: true }],
    ['a turn that keeps the size', { rotationDegrees: 180 }],
  ])('changes with %s', (_name, change) => {
    expect(videoOf(change).id).not.toBe(videoOf({}).id);
  });

  it('changes with the length of a segment, in picture and sound', () => {
    const [a, b] = [10, 6].map((target) => buildRenditions(media([picture()], [sound(1)]), target).map(({ id }) => id));
    expect(a?.filter((id) => b?.includes(id))).toEqual([]);
  });

  it('does not change with what decides no byte', () => {
    const [a, b] = [sound(1, { title: 'A', language: 'en' }), sound(1, { title: 'B', isDefault: true })].map(
      (track) => buildRenditions(media([], [track]), 10)[0]?.id,
    );
    expect(a).toBe(b);
  });
});

describe('the renditions of a file', () => {
  it('are what the schema of the API says', () => {
    fc.assert(
      fc.property(pictures, sounds, (stream, tracks) => {
        expect(MediaInfo.safeParse(media([stream], tracks)).success).toBe(true);
        for (const rendition of buildRenditions(media([stream], tracks), 10))
          expect(Rendition.parse(rendition)).toEqual(rendition);
      }),
    );
  });

  it('have one default sound, each a name of its own that a playlist can carry', () => {
    fc.assert(
      fc.property(sounds, (tracks) => {
        const audio = buildRenditions(media([picture()], tracks), 10).filter((rendition) => rendition.kind === 'audio');
        expect(audio.filter(({ isDefault }) => isDefault)).toHaveLength(Math.min(1, tracks.length));
        expect(new Set(audio.map(({ name }) => name)).size).toBe(tracks.length);
        for (const { name } of audio) expect(name).toMatch(/^(?! )[^"\u0000-\u001f]+(?<! )$/);
      }),
    );
  });

  it('count the frames to the last one, also where its time is a hair early', () => {
    expect(videoOf({ lastFrameSeconds: 59.958333 }).timeline.frameCount).toBe(1440);
    expect(videoOf({ lastFrameSeconds: 59.958 }).timeline.frameCount).toBe(1440);
    expect(videoOf({ lastFrameSeconds: 0 }).timeline.frameCount).toBe(1);
  });

  it('move a picture that begins between two places of the grid onto it, by half a frame at most', () => {
    for (const [startSeconds, shiftSeconds] of [
      [0, 0],
      [0.021, 1 / 24 - 0.021],
      [0.005, -0.005],
      [0.5, 0],
    ] as const)
      expect(videoOf({ startSeconds }).encoding.shiftSeconds).toBeCloseTo(shiftSeconds, 5);
  });

  it('share one segment length between picture and sound, to half a part', () => {
    const [video, audio] = buildRenditions(media([picture({ frameRate: { num: 24000, den: 1001 } })], [sound(1)]), 10);
    expect(video?.timeline.framesPerSegment).toBe(240);
    expect(audio?.timeline.framesPerSegment).toBe(480);
  });

  it('of a song are its sound alone', () => {
    expect(buildRenditions(media([], [sound(0), sound(1)]), 10).map(({ kind }) => kind)).toEqual(['audio', 'audio']);
  });
});
