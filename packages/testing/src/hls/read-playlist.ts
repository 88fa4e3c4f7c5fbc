/// <reference path="./m3u8-parser.d.ts" />
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { type LevelDetails, M3U8Parser } from 'hls.js';
import { Parser } from 'm3u8-parser';
import { fetchAsPlayer } from './fetch-as-player.ts';

/** EXTINF has six decimals. */
const EXTINF_TOLERANCE_SECONDS = 1e-6;

export type PlaylistSegment = { url: string; durationSeconds: number };
export type MediaPlaylist = { url: string; targetDurationSeconds: number; initUrl: string; segments: PlaylistSegment[] };
export type MultivariantPlaylist = {
  url: string;
  variants: {
    url: string;
    codecs: string;
    bandwidthBitsPerSecond: number;
    resolution: string | undefined;
    frameRate: string | undefined;
  }[];
  audio: { url: string; name: string; language: string | undefined; isDefault: boolean }[];
};

/**
 * Reads a media playlist with two parsers that know nothing of each other (hls.js's and m3u8-parser) and fails when either
 * complains or they differ. It must be a whole VOD playlist (RFC 8216 §4.3.3).
 */
export async function readMediaPlaylist(url: string): Promise<MediaPlaylist> {
  const text = await fetchPlaylist(url);
  // `PlaylistLevelType` is a const enum of hls.js whose main is 'main'; types alone cannot name it.
  const details = M3U8Parser.parseLevelPlaylist(text, url, 0, 'main' as LevelType, 0, null) as LevelDetails;
  strictEqual(details.playlistParsingError, null, `hls.js refuses ${url}`);
  const { manifest } = parse(text);
  strictEqual(manifest.endList, true, `${url} has no EXT-X-ENDLIST`);
  strictEqual(manifest.playlistType, 'VOD');
  strictEqual(details.live, false);
  strictEqual(manifest.targetDuration, details.targetduration);
  const fragments = details.fragments.filter((fragment) => fragment !== null);
  const ours = fragments.map((fragment) => ({ url: fragment.url, durationSeconds: fragment.duration }));
  const theirs = manifest.segments.map((segment) => ({ url: new URL(segment.uri, url).href, durationSeconds: segment.duration }));
  deepStrictEqual(ours, theirs, `two parsers read ${url} differently`);
  ok(ours.length > 0, `${url} has no segments`);
  const initUrls = new Set(fragments.map((fragment) => fragment.initSegment?.url));
  strictEqual(initUrls.size, 1, `${url} has more than one init segment`);
  for (const { durationSeconds } of ours)
    ok(Math.round(durationSeconds) <= details.targetduration, `EXTINF ${durationSeconds} is above the target of ${url}`);
  ok(
    manifest.segments.every((segment) => !segment.discontinuity),
    `${url} has a discontinuity`,
  );
  return {
    url,
    targetDurationSeconds: details.targetduration,
    initUrl: [...initUrls][0] ?? '',
    segments: ours as PlaylistSegment[],
  };
}

/** Reads a multivariant playlist with the same two parsers. */
export async function readMultivariantPlaylist(url: string): Promise<MultivariantPlaylist> {
  const text = await fetchPlaylist(url);
  const parsed = M3U8Parser.parseMasterPlaylist(text, url);
  strictEqual(parsed.playlistParsingError, null, `hls.js refuses ${url}`);
  const audio = M3U8Parser.parseMasterPlaylistMedia(text, url, parsed).AUDIO ?? [];
  const { manifest } = parse(text);
  deepStrictEqual(
    parsed.levels.map((level) => level.url),
    (manifest.playlists ?? []).map((variant) => new URL(variant.uri, url).href),
    `two parsers read ${url} differently`,
  );
  const groups = Object.values(manifest.mediaGroups?.AUDIO ?? {}).flatMap((group) => Object.keys(group));
  deepStrictEqual([...new Set(audio.map((one) => one.name))].sort(), [...new Set(groups)].sort());
  return {
    url,
    variants: parsed.levels.map((level) => ({
      url: level.url,
      codecs: level.attrs.CODECS ?? '',
      bandwidthBitsPerSecond: level.bitrate,
      resolution: level.attrs.RESOLUTION,
      frameRate: level.attrs['FRAME-RATE'],
    })),
    audio: audio.map((one) => ({ url: one.url ?? '', name: one.name, language: one.lang, isDefault: one.default })),
  };
}

/** Start of segment k by the playlist alone, in seconds. */
export function playlistStartSeconds(playlist: MediaPlaylist, segmentIndex: number): number {
  return playlist.segments.slice(0, segmentIndex).reduce((sum, segment) => sum + segment.durationSeconds, 0);
}

/** How far the sum of the first EXTINFs may be from the media time: their rounding, and nothing else. */
export function playlistToleranceSeconds(segmentIndex: number): number {
  return (segmentIndex + 1) * EXTINF_TOLERANCE_SECONDS;
}

type LevelType = Parameters<typeof M3U8Parser.parseLevelPlaylist>[3];

async function fetchPlaylist(url: string): Promise<string> {
  const response = await fetchAsPlayer(url);
  const text = await response.text();
  ok(/mpegurl/i.test(response.headers.get('content-type') ?? ''), `${url} is not served as a playlist`);
  return text;
}

function parse(text: string): Parser {
  const parser = new Parser();
  parser.push(text);
  parser.end();
  return parser;
}
