import { segmentDurationSeconds, segmentStartSeconds, type Timeline } from '@lodestream/shared';

/**
 * The media playlist of one rendition, complete before one segment exists (RFC 8216 §4.3.3). Σ EXTINF is the media time at
 * every segment: hls.js takes its clock from it (hls.md §14). URIs are relative, so it is the same behind any proxy.
 */
export function buildMediaPlaylist(timeline: Timeline, targetSeconds: number): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetSeconds}`,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    '#EXT-X-MAP:URI="init.mp4"',
  ];
  // Ends are rounded, not lengths: half a microsecond a segment would add up over a long film.
  let startMicroseconds = 0;
  for (let k = 0; k < timeline.segmentCount; k++) {
    const endMicroseconds = Math.round((segmentStartSeconds(timeline, k) + segmentDurationSeconds(timeline, k)) * 1e6);
    lines.push(`#EXTINF:${((endMicroseconds - startMicroseconds) / 1e6).toFixed(6)},`, `${k}.m4s`);
    startMicroseconds = endMicroseconds;
  }
  lines.push('#EXT-X-ENDLIST', '');
  return lines.join('\n');
}

/**
 * The target duration of all playlists of a film: EXTINF rounded to the nearest integer must not exceed it (RFC 8216
 * §4.3.3.1), and picture and sound must have the same (§6.2.4).
 */
export function targetDurationSeconds(timelines: readonly Timeline[]): number {
  return Math.max(1, ...timelines.map((timeline) => Math.round(segmentDurationSeconds(timeline, 0) + 2e-6)));
}
