import { type RawPackets, type RawProbe, type RawStream, seconds } from './raw-probe.ts';

/** Where a stream really ends, on the container's own clock. */
export type StreamEnd = { lastStartSeconds: number; endSeconds: number };

/** So much of the end is read: two usual GOPs, so that the seek lands before the last packets of every stream. */
export const TAIL_SECONDS = 10;

/** The last packet of each stream in what was read; packets that an edit list throws away do not count. */
export function readStreamEnds(raw: RawPackets): Map<number, StreamEnd> {
  const ends = new Map<number, StreamEnd>();
  for (const packet of raw.packets) {
    const start = seconds(packet.pts_time) ?? seconds(packet.dts_time);
    if (start === undefined || packet.flags.includes('D')) continue;
    const end = start + (seconds(packet.duration_time) ?? 0);
    const known = ends.get(packet.stream_index);
    ends.set(packet.stream_index, {
      lastStartSeconds: Math.max(start, known?.lastStartSeconds ?? start),
      endSeconds: Math.max(end, known?.endSeconds ?? end),
    });
  }
  return ends;
}

/** The stream's own length where its container has one; Matroska keeps it in a tag (`DURATION`, mkvmerge's statistics). */
export function statedDuration(stream: RawStream): number | undefined {
  const tag = Object.entries(stream.tags).find(([name]) => name.toUpperCase().startsWith('DURATION'))?.[1];
  return seconds(stream.duration) ?? seconds(tag);
}

/** Where the reading of the end begins, on the container's clock; undefined when nothing says how long the file is. */
export function tailStart(raw: RawProbe): number | undefined {
  return tailStarts(raw)[0];
}

/**
 * The places to read the end from, one after the other until there are packets: a file whose length is a lie (cut off, or
 * a header of another cut) has none behind the first. The last one is the whole file.
 */
export function tailStarts(raw: RawProbe): (number | undefined)[] {
  const start = seconds(raw.format.start_time) ?? 0;
  const duration = seconds(raw.format.duration);
  if (duration === undefined) return [undefined];
  const places = [Math.max(0, duration - TAIL_SECONDS), duration / 2, duration / 4].map((place) => start + place);
  return [...(duration > 2 * TAIL_SECONDS ? places : places.slice(0, 1)), undefined];
}
