import { fetchBytes } from './fetch-as-player.ts';
import { readFragments, readTimescale, readTrackKind } from './read-fragments.ts';
import { type MediaPlaylist, playlistStartSeconds, playlistToleranceSeconds, readMediaPlaylist } from './read-playlist.ts';

export type CheckedSegment = {
  segmentIndex: number;
  bytes: Buffer;
  frameCount: number;
  startTicks: number;
  endTicks: number;
};

export type CheckedRendition = {
  playlist: MediaPlaylist;
  kind: 'video' | 'audio';
  init: Buffer;
  timescale: number;
  /** In the order of the playlist, whatever the order of the asking was. */
  segments: CheckedSegment[];
};

export type CheckOptions = {
  /** Which segments, in the order in which they are asked for; all of them in order by default. */
  segmentIndexes?: readonly number[];
  signal?: AbortSignal;
};

/**
 * Fetches a rendition as a player would and checks the grid by the boxes alone: every segment begins where the sum of the
 * EXTINFs before it says, holds contiguous fragments, lasts as long as its EXTINF, and a picture begins with a sync sample
 * shown first. The init segment is the same before and after.
 */
export async function checkRendition(
  playlistUrl: string,
  { segmentIndexes, signal }: CheckOptions = {},
): Promise<CheckedRendition> {
  const playlist = await readMediaPlaylist(playlistUrl);
  const init = await fetchBytes(playlist.initUrl, signal);
  const timescale = readTimescale(init);
  const kind = readTrackKind(init);
  const findings: string[] = [];
  const segments: CheckedSegment[] = [];
  for (const segmentIndex of segmentIndexes ?? playlist.segments.keys()) {
    const segment = playlist.segments[segmentIndex];
    if (!segment) throw new Error(`${playlistUrl} has no segment ${segmentIndex}`);
    const bytes = await fetchBytes(segment.url, signal);
    const checked = measureSegment(bytes, segmentIndex);
    segments.push(checked);
    findings.push(...checkSegment(checked, { playlist, timescale, kind }).map((text) => `segment ${segmentIndex}: ${text}`));
  }
  if (!init.equals(await fetchBytes(playlist.initUrl, signal))) findings.push('the init segment has changed');
  if (findings.length > 0) throw new Error(`${playlistUrl}:\n  ${findings.join('\n  ')}`);
  return { playlist, kind, init, timescale, segments: segments.sort((a, b) => a.segmentIndex - b.segmentIndex) };
}

/** Sums up one segment; throws when it is not made of whole boxes. */
export function measureSegment(bytes: Buffer, segmentIndex: number): CheckedSegment {
  const fragments = readFragments(bytes);
  const first = fragments[0];
  if (!first) throw new Error(`segment ${segmentIndex} has no fragment`);
  const frames = fragments.flatMap((fragment) => fragment.samples);
  const startTicks = first.decodeTimeTicks;
  return {
    segmentIndex,
    bytes,
    frameCount: frames.length,
    startTicks,
    endTicks: startTicks + frames.reduce((sum, frame) => sum + frame.durationTicks, 0),
  };
}

type Frame = { playlist: MediaPlaylist; timescale: number; kind: 'video' | 'audio' };

/** What is wrong with a segment, in words; an empty list is good. */
export function checkSegment(segment: CheckedSegment, { playlist, timescale, kind }: Frame): string[] {
  const { segmentIndex, startTicks, endTicks } = segment;
  const findings: string[] = [];
  const fragments = readFragments(segment.bytes);
  let expectedTicks = startTicks;
  for (const [index, fragment] of fragments.entries()) {
    if (fragment.decodeTimeTicks !== expectedTicks)
      findings.push(`fragment ${index} begins at ${fragment.decodeTimeTicks}, the one before it ends at ${expectedTicks}`);
    if (fragment.samples.length === 0) findings.push(`fragment ${index} is empty`);
    expectedTicks = fragment.decodeTimeTicks + fragment.samples.reduce((sum, sample) => sum + sample.durationTicks, 0);
  }
  // Six decimals of EXTINF against whole ticks: half a tick on top of the playlist's own rounding.
  const toleranceSeconds = playlistToleranceSeconds(segmentIndex) + 0.5 / timescale;
  const listedStart = playlistStartSeconds(playlist, segmentIndex);
  const listedEnd = listedStart + (playlist.segments[segmentIndex]?.durationSeconds ?? 0);
  if (Math.abs(startTicks / timescale - listedStart) > toleranceSeconds)
    findings.push(`begins at ${startTicks / timescale} s, the playlist says ${listedStart}`);
  if (Math.abs(endTicks / timescale - listedEnd) > toleranceSeconds)
    findings.push(`ends at ${endTicks / timescale} s, the playlist says ${listedEnd}`);
  if (kind === 'video') findings.push(...checkPicture(fragments.flatMap((fragment) => fragment.samples)));
  return findings;
}

function checkPicture(frames: readonly { durationTicks: number; compositionOffsetTicks: number; isSync: boolean }[]): string[] {
  const findings: string[] = [];
  if (!frames[0]?.isSync) findings.push('does not begin with a sync sample');
  if (new Set(frames.map((frame) => frame.durationTicks)).size > 1) findings.push('frames are not equally long');
  let decodeTicks = 0;
  const shownAt = frames.map((frame) => {
    const at = decodeTicks + frame.compositionOffsetTicks;
    decodeTicks += frame.durationTicks;
    return at;
  });
  const sorted = [...shownAt].sort((a, b) => a - b);
  const step = frames[0]?.durationTicks ?? 0;
  // Shown times are the decode times in another order: no hole, no frame twice, none from outside the segment.
  if (sorted.some((at, index) => at !== index * step)) findings.push('frames are not shown one after the other from its start');
  return findings;
}
