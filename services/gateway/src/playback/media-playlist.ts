import { segmentDurationSeconds, type Timeline } from '@lodestream/shared';

/**
 * The media playlist of one rendition, complete before one segment exists (RFC 8216 §4.3.3). Σ EXTINF is the media time at
 * every segment: hls.js takes its clock from it (hls.md §14). URIs are relative, so it is the same behind any proxy.
 */
export function buildMediaPlaylist(timeline: Timeline): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDurationSeconds(timeline)}`,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    '#EXT-X-MAP:URI="init.mp4"',
  ];
  for (let k = 0; k < timeline.segmentCount; k++)
    lines.push(`#EXTINF:${segmentDurationSeconds(timeline, k).toFixed(6)},`, `${k}.m4s`);
  lines.push('#EXT-X-ENDLIST', '');
  return lines.join('\n');
}

/** EXTINF rounded to the nearest integer must not exceed it (RFC 8216 §4.3.3.1). */
function targetDurationSeconds(timeline: Timeline): number {
  return Math.max(1, Math.round(segmentDurationSeconds(timeline, 0)));
}
