import {
  buildAudioTimeline,
  buildVideoTimeline,
  InfoHash,
  type Rendition,
  RunOrders,
  type RunSpec,
  type RunStatus,
} from '@lodestream/shared';
import { describe, expect, it } from 'vitest';
import {
  addWaiter,
  buildOrders,
  claimSlot,
  createRunHandle,
  isMaking,
  noteDelivered,
  noteDemand,
  viewRun,
} from './run-handle.ts';

const source = { url: 'http://127.0.0.1:4000/files/0', token: 't' };
const base = { mode: 'encode', streamIndex: 0, bandwidthBitsPerSecond: 1 } as const;
const video: Rendition = {
  ...base,
  kind: 'video',
  id: 'v720-00000000',
  codecs: 'avc1.64001F',
  frameRate: { num: 24, den: 1 },
  encoding: {
    width: 1280,
    height: 720,
    level: 31,
    crf: 22,
    maxBitrateBitsPerSecond: 1,
    preset: 'veryfast',
    isInterlaced: false,
    rotationDegrees: 0,
  },
  timeline: buildVideoTimeline({ num: 24, den: 1 }, 240 * 60),
};
const audio: Rendition = {
  ...base,
  kind: 'audio',
  id: 'a1-00000000',
  codecs: 'mp4a.40.2',
  channels: 2,
  name: 'Track 1',
  isDefault: true,
  timeline: buildAudioTimeline(600, 10),
};

function spec(rendition: Rendition, startSegment = 3): RunSpec {
  return {
    kind: 'run',
    name: `tc-a-${startSegment}-0`,
    ttlSeconds: 300,
    infoHash: InfoHash.parse('a'.repeat(40)),
    fileIndex: 0,
    source,
    lengthBytes: 1,
    container: 'matroska',
    isIndexed: true,
    rendition,
    startSegment,
    until: null,
    ffmpegThreads: 1,
  };
}

function status(change: Partial<RunStatus> = {}): RunStatus {
  return {
    kind: 'run',
    name: 'tc-a-3-0',
    phase: 'running',
    startSegment: 3,
    nextSegment: 3,
    until: 59,
    heldSegments: [],
    partsMade: 0,
    speed: 0,
    isWaitedFor: false,
    ffmpegPid: 1,
    idleSeconds: 0,
    ...change,
  };
}

describe('a run as the gateway sees it', () => {
  it('is at its first segment before it has said a word', () => {
    expect(viewRun(createRunHandle(spec(video), 'u'))).toMatchObject({
      nextSegment: 3,
      partsOfNext: 0,
      until: 60,
      isMaking: true,
      speed: 0,
    });
  });

  it('counts the parts of the segment in the making', () => {
    const handle = createRunHandle(spec(video), 'u');
    handle.status = status({ nextSegment: 5, partsMade: 47, heldSegments: [3, 4] });
    expect(viewRun(handle)).toMatchObject({ nextSegment: 5, partsOfNext: 7 });
    expect(viewRun(handle).heldSegments).toEqual(new Set([3, 4]));
  });

  it('has made what has come from it whole, though it has not said so yet', () => {
    const handle = createRunHandle(spec(video), 'u');
    handle.status = status({ nextSegment: 3, partsMade: 4 });
    noteDelivered(handle, 3);
    expect(viewRun(handle)).toMatchObject({ nextSegment: 4, partsOfNext: 0 });
    handle.status = status({ nextSegment: 6, partsMade: 63 });
    expect(viewRun(handle)).toMatchObject({ nextSegment: 6, partsOfNext: 3 });
  });

  it('can make no more once it has ended', () => {
    const handle = createRunHandle(spec(video), 'u');
    handle.status = status({ phase: 'ended', outcome: 'finished' });
    expect(isMaking(handle)).toBe(false);
  });
});

describe('the claim of a run to a slot', () => {
  it('is as old as its longest waiter, and gone with the last', () => {
    const handle = createRunHandle(spec(video), 'u');
    const leaveFirst = addWaiter(handle, 3, 100);
    const leaveSecond = addWaiter(handle, 3, 200);
    expect(claimSlot(handle).waitingSinceMs).toBe(100);
    leaveFirst();
    expect(claimSlot(handle).waitingSinceMs).toBe(200);
    leaveSecond();
    leaveSecond();
    expect(claimSlot(handle)).toMatchObject({ waitingSinceMs: null, lastDemandAtMs: 200 });
  });

  it('does not count a slot that nobody gave: a new run waits for its turn', () => {
    expect(claimSlot(createRunHandle(spec(video), 'u')).hasSlot).toBe(false);
  });

  it('is none for sound, which needs no slot and is always awake', () => {
    const handle = createRunHandle(spec(audio), 'u');
    expect(buildOrders(handle, 'g', source).hasSlot).toBe(true);
  });
});

describe('the orders to a run', () => {
  it('say the furthest demand of the last minute and the earliest wait', () => {
    const handle = createRunHandle(spec(video), 'u');
    noteDemand(handle, 20, 0);
    addWaiter(handle, 9, 61_000);
    addWaiter(handle, 7, 61_000);
    const orders = buildOrders(handle, 'g', source);
    expect(RunOrders.parse(orders)).toEqual(orders);
    expect(orders).toMatchObject({ demand: 9, heldSeconds: 70 });
  });

  it('never ask for less than its own first segment', () => {
    expect(buildOrders(createRunHandle(spec(video), 'u'), 'g', source)).toMatchObject({
      demand: 3,
      heldSeconds: null,
      until: null,
    });
  });

  it('tell of every segment that was served from memory once', () => {
    const handle = createRunHandle(spec(video), 'u');
    handle.touches.add(3).add(4).add(3);
    expect(buildOrders(handle, 'g', source).touch).toEqual([3, 4]);
    expect(buildOrders(handle, 'g', source).touch).toEqual([]);
  });

  it('stay small however many ask', () => {
    const handle = createRunHandle(spec(video), 'u');
    for (let n = 0; n < 10_000; n++) noteDemand(handle, n % 50, n);
    expect(handle.demands.length).toBeLessThanOrEqual(64);
  });
});
