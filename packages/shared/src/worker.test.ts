import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildAudioTimeline, buildVideoTimeline } from './segment-timeline.ts';
import { CallHome, DownloaderSpec, RunOrders, RunSpec, RunStatus, WorkerSpec, WorkerStatus } from './worker.ts';

const infoHash = 'c'.repeat(40);
const source = { url: 'http://127.0.0.1:4000/files/0', token: 't'.repeat(64) };

const downloader = {
  kind: 'downloader',
  name: `dl-${infoHash}`,
  ttlSeconds: 300,
  infoHash,
  source: { infoHash, displayName: '', trackers: [], peers: [] },
  diskBudgetBytes: 1,
  network: { dht: false, dhtBootstrap: [], trackers: [], allowedPrivateNetworks: ['127.0.0.0/8'], uploadBytesPerSecond: 0 },
};
const run = {
  kind: 'run',
  name: 'tc-abcdefghij0123456789-0-0',
  ttlSeconds: 300,
  infoHash,
  fileIndex: 0,
  source,
  lengthBytes: 1,
  container: 'matroska',
  isIndexed: true,
  rendition: {
    kind: 'audio',
    id: 'a1-0123abcd',
    mode: 'encode',
    streamIndex: 1,
    codecs: 'mp4a.40.2',
    bandwidthBitsPerSecond: 192_000,
    channels: 2,
    name: 'English',
    isDefault: true,
    timeline: buildAudioTimeline(60, 10),
  },
  startSegment: 0,
  until: null,
  ffmpegThreads: 1,
};
const video = {
  ...run.rendition,
  kind: 'video',
  id: 'v720-0123abcd',
  codecs: 'avc1.64001F',
  frameRate: { num: 24, den: 1 },
  encoding: {
    width: 1280,
    height: 720,
    level: 31,
    crf: 22,
    maxBitrateBitsPerSecond: 4_000_000,
    preset: 'veryfast',
    isInterlaced: false,
    rotationDegrees: 0,
  },
  timeline: buildVideoTimeline({ num: 24, den: 1 }, 1440),
};

describe('WorkerSpec', () => {
  it('survives the way to a worker as JSON', () => {
    for (const spec of [
      downloader,
      run,
      { kind: 'probe', name: 'pr-a', ttlSeconds: 1, infoHash, fileIndex: 0, source, lengthBytes: 0 },
    ]) {
      const parsed = WorkerSpec.parse(JSON.parse(JSON.stringify(spec)));
      expect(parsed).toEqual(spec);
      expect(WorkerSpec.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
    }
  });

  it.each([
    ['a name that is a path', { ...downloader, name: '../etc' }],
    ['a name that is a flag', { ...downloader, name: '--inspect' }],
    ['a name that is longer than a DNS label', { ...downloader, name: `d${'a'.repeat(63)}` }],
    ['a TTL of nothing', { ...downloader, ttlSeconds: 0 }],
    ['an info hash in capitals', { ...downloader, infoHash: 'C'.repeat(40) }],
    ['no disk at all', { ...downloader, diskBudgetBytes: 0 }],
  ])('refuses %s', (_name, spec) => {
    expect(DownloaderSpec.safeParse(spec).success).toBe(false);
  });

  it.each([
    ['a run that ends before it starts', { ...run, until: 0 }],
    ['a start before the film', { ...run, startSegment: -1 }],
    ['a half segment', { ...run, startSegment: 1.5 }],
    ['a source that is no URL', { ...run, source: { url: 'file', token: '' } }],
    ['an id that is a path', { ...run, rendition: { ...run.rendition, id: '../0123abcd' } }],
    ['a video rendition of an odd height', { ...run, rendition: { ...video, encoding: { ...video.encoding, height: 719 } } }],
  ])('refuses %s', (_name, spec) => {
    expect(RunSpec.safeParse(spec).success).toBe(false);
  });

  it('takes a video rendition', () => {
    expect(RunSpec.safeParse({ ...run, rendition: video }).success).toBe(true);
  });
});

describe('RunOrders', () => {
  const orders = { from: 'a', until: null, demand: 0, hasSlot: true, heldSeconds: null, touch: [], source };

  it('knows "nothing bounds it" and "nobody waits" apart from zero', () => {
    expect(RunOrders.parse(orders)).toEqual(orders);
    expect(RunOrders.parse({ ...orders, heldSeconds: 0 }).heldSeconds).toBe(0);
    expect(RunOrders.safeParse({ ...orders, until: 0 }).success).toBe(false);
    expect(RunOrders.safeParse({ ...orders, until: undefined }).success).toBe(false);
  });

  it('survives the way to a run for any places of viewers', () => {
    const anyOrders = fc.record({
      from: fc.uuid(),
      until: fc.option(fc.integer({ min: 1, max: 99_999 })),
      demand: fc.nat(99_999),
      hasSlot: fc.boolean(),
      heldSeconds: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }).map((seconds) => seconds + 0)),
      touch: fc.array(fc.nat(99_999), { maxLength: 50 }),
      source: fc.constant(source),
    });
    fc.assert(
      fc.property(anyOrders, (value) => {
        expect(RunOrders.parse(JSON.parse(JSON.stringify(value)))).toEqual(value);
      }),
    );
  });
});

describe('WorkerStatus', () => {
  it('tells the workers apart by their kind, and takes no unknown one', () => {
    const status = {
      kind: 'run',
      name: run.name,
      phase: 'asleep',
      startSegment: 0,
      nextSegment: 3,
      until: 7,
      heldSegments: [0, 1, 2],
      partsMade: 61,
      speed: 3.5,
      isWaitedFor: true,
      ffmpegPid: null,
      idleSeconds: 0,
    };
    expect(WorkerStatus.parse(status)).toEqual(RunStatus.parse(status));
    expect(WorkerStatus.safeParse({ ...status, kind: 'gateway' }).success).toBe(false);
    expect(WorkerStatus.safeParse({ ...status, phase: 'paused' }).success).toBe(false);
  });
});

describe('CallHome', () => {
  it('has a port that something can listen on', () => {
    expect(CallHome.safeParse({ name: 'dl-a', address: '127.0.0.1', port: 1 }).success).toBe(true);
    for (const port of [0, -1, 1.5, '80'])
      expect(CallHome.safeParse({ name: 'dl-a', address: '127.0.0.1', port }).success).toBe(false);
  });
});
