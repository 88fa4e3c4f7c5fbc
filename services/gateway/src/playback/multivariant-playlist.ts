import type { AudioRendition, Rendition, VideoRendition } from '@lodestream/shared';

const AUDIO_GROUP = 'audio';

/**
 * The multivariant playlist (RFC 8216 §4.3.4): one variant a video rendition, all audio renditions in one group; a file
 * without a picture has its audio renditions as variants.
 */
export function buildMultivariantPlaylist(renditions: readonly Rendition[]): string {
  const video = renditions.filter((rendition) => rendition.kind === 'video');
  const audio = renditions.filter((rendition) => rendition.kind === 'audio');
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS'];
  if (video.length > 0) {
    lines.push(...audio.map(audioMedia));
    lines.push(...video.flatMap((rendition) => variant(rendition, audio)));
  } else {
    lines.push(...audio.map(audioMedia));
    const first = audio.find((rendition) => rendition.isDefault) ?? audio[0];
    if (first)
      lines.push(
        `#EXT-X-STREAM-INF:BANDWIDTH=${first.bandwidthBitsPerSecond},CODECS="${first.codecs}",AUDIO="${AUDIO_GROUP}"`,
        `${first.id}/index.m3u8`,
      );
  }
  return [...lines, ''].join('\n');
}

function audioMedia(rendition: AudioRendition): string {
  const attributes = [
    'TYPE=AUDIO',
    `GROUP-ID="${AUDIO_GROUP}"`,
    `NAME="${quotable(rendition.name)}"`,
    ...(rendition.language ? [`LANGUAGE="${quotable(rendition.language)}"`] : []),
    `DEFAULT=${rendition.isDefault ? 'YES' : 'NO'}`,
    'AUTOSELECT=YES',
    `CHANNELS="${rendition.channels}"`,
    `URI="${rendition.id}/index.m3u8"`,
  ];
  return `#EXT-X-MEDIA:${attributes.join(',')}`;
}

function variant(rendition: VideoRendition, audio: readonly AudioRendition[]): string[] {
  const bandwidth = rendition.bandwidthBitsPerSecond + Math.max(0, ...audio.map((a) => a.bandwidthBitsPerSecond));
  const codecs = [rendition.codecs, ...new Set(audio.map((a) => a.codecs))].join(',');
  const { num, den } = rendition.frameRate;
  const attributes = [
    `BANDWIDTH=${bandwidth}`,
    `CODECS="${codecs}"`,
    `RESOLUTION=${rendition.encoding.width}x${rendition.encoding.height}`,
    `FRAME-RATE=${(num / den).toFixed(3)}`,
    ...(audio.length > 0 ? [`AUDIO="${AUDIO_GROUP}"`] : []),
  ];
  return [`#EXT-X-STREAM-INF:${attributes.join(',')}`, `${rendition.id}/index.m3u8`];
}

/** A quoted-string cannot hold quotes or line breaks (RFC 8216 §4.2); names come from the file. */
function quotable(text: string): string {
  return text.replaceAll(/["\r\n\u0000-\u001f]/g, ' ').trim();
}
