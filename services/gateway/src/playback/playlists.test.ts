import { buildAudioTimeline, buildVideoTimeline, type MediaInfo, segmentStartSeconds } from '@lodestream/shared';
import fc from 'fast-check';
import { M3U8Parser } from 'hls.js';
import { describe, expect, it } from 'vitest';
import { buildMediaPlaylist, targetDurationSeconds } from './media-playlist.ts';
import { buildMultivariantPlaylist } from './multivariant-playlist.ts';
import { buildRenditions } from './renditions.ts';

const BASE = 'http://127.0.0.1:8080/api/v1/torrents/x/files/0/hls/';

const rates = fc
  .record({ num: fc.integer({ min: 1, max: 120_000 }), den: fc.integer({ min: 1, max: 2002 }) })
  .filter(({ num, den }) => num / den >= 1 && num / den <= 60);
/** Up to four hours: 3600 segments of 4 s. */
const FILM_SECONDS = 14_400;
const grids = fc.oneof(
  fc
    .tuple(rates, fc.double({ min: 0.05, max: FILM_SECONDS, noNaN: true }), fc.constantFrom(4, 6, 10))
    .map(([rate, seconds, target]) => buildVideoTimeline(rate, Math.ceil((seconds * rate.num) / rate.den), target)),
  fc
    .tuple(fc.double({ min: 0.1, max: FILM_SECONDS, noNaN: true }), fc.constantFrom(4, 6, 10))
    .map(([seconds, target]) => buildAudioTimeline(seconds, target)),
);

function film(tracks: number, width = 1280): MediaInfo {
  return {
    durationSeconds: 65.5,
    container: 'matroska',
    isIndexed: true,
    video: [
      {
        index: 0,
        codec: 'h264',
        width,
        height: 720,
        pixelFormat: 'yuv420p',
        frameRate: { num: 24000, den: 1001 },
        sampleAspectRatio: { num: 1, den: 1 },
        rotationDegrees: 0,
        isInterlaced: false,
        startSeconds: 0,
        lastFrameSeconds: 65.4,
      },
    ],
    audio: Array.from({ length: tracks }, (_, at) => ({
      index: at + 1,
      codec: 'ac3',
      channels: 6,
      sampleRate: 48_000,
      language: at === 0 ? 'en' : 'de',
      title: 'Sound "of" music',
      isDefault: at === 1,
      startSeconds: 0,
      endSeconds: 65.5,
    })),
    subtitles: [],
    chapters: [],
  };
}

/** hls.js as the player calls it. */
function parseMedia(text: string) {
  const details = M3U8Parser.parseLevelPlaylist(text, `${BASE}v/index.m3u8`, 0, 'main' as never, 0, null);
  expect(details.playlistParsingError).toBeNull();
  return details;
}

describe('the media playlist', () => {
  it('is the proven shape', () => {
    expect(buildMediaPlaylist(buildVideoTimeline({ num: 24000, den: 1001 }, 500), 10)).toBe(
      [
        ...['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:10', '#EXT-X-PLAYLIST-TYPE:VOD', '#EXT-X-MEDIA-SEQUENCE:0'],
        ...['#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-MAP:URI="init.mp4"'],
        ...['#EXTINF:10.010000,', '0.m4s', '#EXTINF:10.010000,', '1.m4s', '#EXTINF:0.834167,', '2.m4s', '#EXT-X-ENDLIST', ''],
      ].join('\n'),
    );
  });

  it('is read by hls.js as a whole film of all segments', () => {
    fc.assert(
      fc.property(grids, (timeline) => {
        const details = parseMedia(buildMediaPlaylist(timeline, targetDurationSeconds([timeline])));
        expect(details.live).toBe(false);
        expect(details.type).toBe('VOD');
        expect(details.fragments).toHaveLength(timeline.segmentCount);
        expect(details.fragments[0]?.initSegment?.url).toBe(`${BASE}v/init.mp4`);
        expect(details.fragments.at(-1)?.url).toBe(`${BASE}v/${timeline.segmentCount - 1}.m4s`);
        expect(details.totalduration).toBeCloseTo(timeline.totalTicks / timeline.timescale, 3);
      }),
      { numRuns: 50 },
    );
  });

  it('adds up to the media time at every segment, to the microsecond, however long the film', () => {
    fc.assert(
      fc.property(grids, (timeline) => {
        const text = buildMediaPlaylist(timeline, targetDurationSeconds([timeline]));
        let sumMicroseconds = 0;
        let segmentIndex = 0;
        let worst = 0;
        for (const [, seconds, micros] of text.matchAll(/#EXTINF:(\d+)\.(\d{6}),/g)) {
          sumMicroseconds += Number(seconds) * 1_000_000 + Number(micros);
          segmentIndex++;
          const endSeconds =
            segmentIndex === timeline.segmentCount
              ? timeline.totalTicks / timeline.timescale
              : segmentStartSeconds(timeline, segmentIndex);
          worst = Math.max(worst, Math.abs(sumMicroseconds - endSeconds * 1_000_000));
        }
        expect(segmentIndex).toBe(timeline.segmentCount);
        expect(worst).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('has no EXTINF that rounds beyond its target duration (RFC 8216 §4.3.3.1)', () => {
    fc.assert(
      fc.property(grids, (timeline) => {
        const text = buildMediaPlaylist(timeline, targetDurationSeconds([timeline]));
        const target = Number(/#EXT-X-TARGETDURATION:(\d+)\n/.exec(text)?.[1]);
        const lengths = [...text.matchAll(/#EXTINF:([\d.]+),/g)].map(([, seconds]) => Math.round(Number(seconds)));
        expect(Math.max(...lengths)).toBeLessThanOrEqual(target);
      }),
    );
  });

  it('has one target duration in all playlists of a film (RFC 8216 §6.2.4)', () => {
    const timelines = [buildVideoTimeline({ num: 24, den: 1 }, 82), buildAudioTimeline(3.6, 10)];
    const targets = timelines.map(
      (timeline) => parseMedia(buildMediaPlaylist(timeline, targetDurationSeconds(timelines))).targetduration,
    );
    expect(targets).toEqual([4, 4]);
  });
});

describe('the multivariant playlist', () => {
  const parse = (text: string) => {
    const levels = M3U8Parser.parseMasterPlaylist(text, `${BASE}index.m3u8`);
    expect(levels.playlistParsingError).toBeNull();
    return { levels: levels.levels, media: M3U8Parser.parseMasterPlaylistMedia(text, `${BASE}index.m3u8`, levels) };
  };

  it('is read by hls.js with its picture and all sounds in one group', () => {
    const renditions = buildRenditions(film(2), 10);
    const { levels, media } = parse(buildMultivariantPlaylist(renditions));
    expect(levels).toHaveLength(1);
    expect(levels[0]).toMatchObject({
      width: 1280,
      height: 720,
      videoCodec: 'avc1.64001F',
      audioCodec: 'mp4a.40.2',
      bitrate: 4_192_000,
    });
    expect(levels[0]?.url).toBe(`${BASE}${renditions[0]?.id}/index.m3u8`);
    expect(levels[0]?.attrs.AUDIO).toBe('audio');
    const tracks = media.AUDIO ?? [];
    expect(tracks.map(({ groupId }) => groupId)).toEqual(['audio', 'audio']);
    expect(tracks.map((track) => track.default)).toEqual([false, true]);
    expect(tracks.map(({ lang }) => lang)).toEqual(['en', 'de']);
    expect(new Set(tracks.map(({ name }) => name)).size).toBe(2);
    expect(tracks.map(({ url }) => url)).toEqual(renditions.slice(1).map(({ id }) => `${BASE}${id}/index.m3u8`));
  });

  it('of a silent film names no group', () => {
    const text = buildMultivariantPlaylist(buildRenditions(film(0), 10));
    expect(text).not.toContain('AUDIO');
    expect(parse(text).levels[0]).toMatchObject({ videoCodec: 'avc1.64001F' });
    expect(parse(text).levels[0]?.audioCodec).toBeUndefined();
  });

  it('of a song has its default sound as the variant', () => {
    const renditions = buildRenditions({ ...film(2), video: [] }, 10);
    const { levels, media } = parse(buildMultivariantPlaylist(renditions));
    expect(levels).toHaveLength(1);
    expect(levels[0]).toMatchObject({ audioCodec: 'mp4a.40.2', url: `${BASE}${renditions[1]?.id}/index.m3u8` });
    expect(media.AUDIO).toHaveLength(2);
  });

  it('cannot be broken by what a file calls its sounds', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.array(fc.nat(0xffff), { maxLength: 90 }).map((units) => String.fromCharCode(...units)),
            fc.constantFrom('a"\n#EXT-X-ENDLIST', '",URI="x'),
          ),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        (titles) => {
          const info = film(titles.length);
          const named = {
            ...info,
            audio: info.audio.map((track, at) => ({ ...track, title: titles[at] ?? '', language: titles[at] ?? '' })),
          };
          const text = buildMultivariantPlaylist(buildRenditions(named, 10));
          expect(text.split('\n')).toHaveLength(3 + titles.length + 2 + 1);
          const { media } = parse(text);
          expect(media.AUDIO).toHaveLength(titles.length);
          expect(new Set(media.AUDIO?.map(({ name }) => name)).size).toBe(titles.length);
          for (const track of media.AUDIO ?? []) expect(track.url).toMatch(/\/a\d+-[0-9a-f]{8}\/index\.m3u8$/);
        },
      ),
    );
  });
});
