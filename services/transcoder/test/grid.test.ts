import { afterAll, describe, expect, test } from 'vitest';
import { openClipFolder } from './support/clips.ts';
import { startRangeServer } from './support/range-server.ts';
import { audioRendition, execute, runSpec, videoRendition } from './support/runs.ts';

const folder = openClipFolder();
afterAll(() => folder[Symbol.dispose]());

describe.each([
  ['24/1', 24, 1],
  ['25/1', 25, 1],
  ['24000/1001', 24000, 1001],
  ['60000/1001', 60000, 1001],
])('at %s frames a second', (rate, num, den) => {
  test('every segment has all of its parts, from the start and from the middle', async () => {
    const seconds = 32;
    const file = await folder.make(`rate-${num}-${den}`, { rate, seconds });
    await using server = await startRangeServer(file);
    const rendition = videoRendition({ num, den }, Math.floor((seconds * num) / den));
    const { partsPerSegment, segmentCount } = rendition.timeline;
    for (const startSegment of [0, 1]) {
      const made = await execute(runSpec({ file, url: server.url, rendition, startSegment }));
      expect(made.status).toMatchObject({ outcome: 'finished', nextSegment: segmentCount - 1 });
      for (const parts of made.segments.values()) expect(parts.length).toBe(partsPerSegment);
      expect(made.segments.size).toBe(segmentCount - 1 - startSegment);
    }
  });
});

describe('the last segment', () => {
  // Two segments of 250 frames, ± a frame, and what is left of a part.
  test.each([499, 500, 501, 512, 251])('has exactly what is left of %i frames', async (frames) => {
    const file = await folder.make(`last-${frames}`, { rate: '25', seconds: frames / 25 });
    await using server = await startRangeServer(file);
    const rendition = videoRendition({ num: 25, den: 1 }, frames);
    const last = rendition.timeline.segmentCount - 1;
    const made = await execute(runSpec({ file, url: server.url, rendition, startSegment: last }));
    expect(made.status).toMatchObject({ outcome: 'finished', nextSegment: last + 1, heldSegments: [last] });
    const before = await execute(runSpec({ file, url: server.url, rendition, startSegment: last - 1 }));
    expect(before.status).toMatchObject({ outcome: 'finished', nextSegment: last, until: last });
  });

  test('stands still for a moment when the container promised more, and is broken when it promised much more', async () => {
    const file = await folder.make('promised', { rate: '25', seconds: 12 });
    await using server = await startRangeServer(file);
    const little = await execute(
      runSpec({ file, url: server.url, rendition: videoRendition({ num: 25, den: 1 }, 12 * 25 + 50), startSegment: 1 }),
    );
    expect(little.status.outcome).toBe('finished');
    await expect(
      execute(runSpec({ file, url: server.url, rendition: videoRendition({ num: 25, den: 1 }, 12 * 25 + 200), startSegment: 1 })),
    ).rejects.toThrow(/after \d+ of 250 frames/);
  });

  test('is silent where the sound ended before the picture, also when it ended before the segment', async () => {
    const file = await folder.make('short-sound', { rate: '25', seconds: 26, audio: [['-c', 'aac']], audioSeconds: 12 });
    await using server = await startRangeServer(file);
    const rendition = audioRendition(26, 1);
    const last = rendition.timeline.segmentCount - 1;
    expect((await execute(runSpec({ file, url: server.url, rendition, startSegment: last }))).status.outcome).toBe('finished');
    const middle = runSpec({ file, url: server.url, rendition, startSegment: 1, until: 2 });
    await expect(execute(middle)).rejects.toThrow(/frame/);
    expect((await execute({ ...middle, streamEndSeconds: 12 })).status.outcome).toBe('finished');
  });
});
