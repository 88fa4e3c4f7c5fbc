import { createHash } from 'node:crypto';
import { delay, ProblemError, withSignal } from '@lodestream/service-kit';
import { type InfoHash, type MediaInfo, type Rendition, type RunSpec, segmentAt } from '@lodestream/shared';
import type { TorrentService } from '../torrents/torrent-service.ts';
import { runName } from '../workloads/workload-name.ts';
import type { MediaInfoService, ProbedMedia } from './media-info-service.ts';
import { planSegment } from './plan-segment.ts';
import type { RunFleet } from './run-fleet.ts';
import { noteDelivered, noteDemand, type RunHandle, runKey } from './run-handle.ts';
import type { CachedSegment, SegmentCache } from './segment-cache.ts';
import { createSegmentFeed, type SegmentFeed } from './segment-feed.ts';
import { soundFramesOf } from './sound-frames.ts';

export type SegmentAddress = { infoHash: InfoHash; fileIndex: number; renditionId: string; segmentIndex: number | 'init' };

export type OpenSegment = { do: 'whole'; segment: CachedSegment } | { do: 'stream'; feed: SegmentFeed; leave: () => void };

/** Finds, waits for, or has made any segment of any rendition; one fetch serves all who want it at once. */
export type SegmentService = {
  /** Resolves with the segment or its first bytes. Rejects with a problem, or with the signal's reason. */
  open(address: SegmentAddress, signal: AbortSignal): Promise<OpenSegment>;
  /** A viewer is about to start at this time: the runs that he will ask for begin now. */
  warm(infoHash: InfoHash, fileIndex: number, media: ProbedMedia, seconds: number): void;
  /** True while somebody waits for a segment of the file: the stage `encoding`. */
  isWaitedFor(infoHash: InfoHash, fileIndex: number): boolean;
};

export type SegmentServiceOptions = {
  torrents: TorrentService;
  media: MediaInfoService;
  fleet: RunFleet;
  cache: SegmentCache;
  ttlSeconds: number;
  ffmpegThreads: number;
  runSegments: number | null;
  maxRuns: number;
};

const RETRY_MS = 100;
const MAX_RETRY_MS = 2000;
const MAX_NAMES_A_SEGMENT = 100;

export function createSegmentService(options: SegmentServiceOptions): SegmentService {
  const { torrents, media, fleet, cache } = options;
  const feeds = new Map<string, SegmentFeed>();
  const waiting = new Map<string, number>();

  async function open(address: SegmentAddress, signal: AbortSignal): Promise<OpenSegment> {
    const { infoHash, fileIndex, renditionId, segmentIndex } = address;
    const key = runKey(infoHash, fileIndex, renditionId);
    const segmentKey = `${key}/${segmentIndex}`;
    torrents.touch(infoHash);
    const cached = cache.get(segmentKey);
    if (cached) {
      if (segmentIndex !== 'init') fleet.touch(cached.runName, segmentIndex);
      return { do: 'whole', segment: cached };
    }
    const { rendition, info } = await find(address, signal);
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      try {
        if (!feeds.has(segmentKey)) await hearOfRuns(address, key, rendition);
        return await join(segmentKey, () => startFeed(address, key, segmentKey, rendition, info), signal);
      } catch (error) {
        if (signal.aborted || !isPassing(error)) throw error;
        // The run broke, expired or was just replaced: plan anew, until the viewer's own deadline.
        await delay(Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** attempt), signal);
      }
    }
  }

  /** Before a run is started: one that is on its way there may have come further than was heard of it, at any gateway. */
  async function hearOfRuns({ segmentIndex }: SegmentAddress, key: string, { timeline }: Rendition): Promise<void> {
    if (segmentIndex === 'init') return;
    const plan = planSegment(segmentIndex, fleet.views(key), timeline, options.runSegments);
    if (plan.do === 'start') await fleet.refresh(key);
  }

  async function join(segmentKey: string, start: () => SegmentFeed, signal: AbortSignal): Promise<OpenSegment> {
    const feed = feeds.get(segmentKey) ?? start();
    const leave = feed.join();
    try {
      await withSignal(feed.started(), signal);
      if (!feed.isComplete()) return { do: 'stream', feed, leave };
      const whole = cache.get(segmentKey) ?? { bytes: feed.bytes(), runName: '', etag: etagOf(segmentKey) };
      leave();
      return { do: 'whole', segment: whole };
    } catch (error) {
      leave();
      throw error;
    }
  }

  function startFeed(
    address: SegmentAddress,
    key: string,
    segmentKey: string,
    rendition: Rendition,
    info: MediaInfo,
  ): SegmentFeed {
    const { segmentIndex } = address;
    const run = planRun(address, key, rendition, info);
    const fileKey = `${address.infoHash}/${address.fileIndex}`;
    const release = segmentIndex === 'init' ? () => {} : fleet.waitFor(run, segmentIndex);
    waiting.set(fileKey, (waiting.get(fileKey) ?? 0) + 1);
    const feed = createSegmentFeed(
      (signal) => fleet.open(run, segmentIndex === 'init' ? '/init' : `/segments/${segmentIndex}`, signal),
      (bytes) => {
        cache.set(segmentKey, { bytes, runName: run.spec.name, etag: etagOf(segmentKey) });
        if (segmentIndex !== 'init') noteDelivered(run, segmentIndex);
      },
      () => {
        release();
        waiting.set(fileKey, (waiting.get(fileKey) ?? 1) - 1);
        if (waiting.get(fileKey) === 0) waiting.delete(fileKey);
        if (feeds.get(segmentKey) === feed) feeds.delete(segmentKey);
      },
    );
    feeds.set(segmentKey, feed);
    return feed;
  }

  function planRun(address: SegmentAddress, key: string, rendition: Rendition, info: MediaInfo): RunHandle {
    const views = fleet.views(key);
    // Every run of a rendition has the same init; the newest one has it soonest.
    const any = views.find((view) => view.isMaking) ?? views[0];
    const wanted = address.segmentIndex === 'init' ? (any?.startSegment ?? 0) : address.segmentIndex;
    const chosen = address.segmentIndex === 'init' ? any && fleet.handle(any.name) : undefined;
    if (chosen) return chosen;
    const plan = planSegment(wanted, views, rendition.timeline, options.runSegments);
    const planned = plan.do === 'start' ? undefined : fleet.handle(plan.run.name);
    if (planned) return planned;
    if (fleet.making().length >= options.maxRuns) throw new ProblemError('busy', { stage: 'encoding' });
    return fleet.start(buildSpec(address, rendition, info, wanted, plan.do === 'start' ? plan.until : null));
  }

  function buildSpec(
    address: SegmentAddress,
    rendition: Rendition,
    info: MediaInfo,
    startSegment: number,
    until: number | null,
  ): RunSpec {
    const { infoHash, fileIndex } = address;
    return {
      kind: 'run',
      name: freeName(infoHash, fileIndex, rendition.id, startSegment),
      ttlSeconds: options.ttlSeconds,
      infoHash,
      fileIndex,
      source: torrents.sourceAddress(infoHash, fileIndex),
      lengthBytes: torrents.fileLengthBytes(infoHash, fileIndex),
      container: info.container,
      isIndexed: info.isIndexed,
      rendition,
      ...soundOf(rendition, info),
      startSegment,
      until,
      ffmpegThreads: options.ffmpegThreads,
    };
  }

  /** A live run of that start that no longer has the segment keeps its name; the new one gets the next. */
  function freeName(infoHash: InfoHash, fileIndex: number, renditionId: string, startSegment: number): string {
    for (let n = 0; n < MAX_NAMES_A_SEGMENT; n++) {
      const name = runName(infoHash, fileIndex, renditionId, startSegment, n);
      if (!fleet.handle(name)) return name;
    }
    throw new ProblemError('busy');
  }

  async function find({ infoHash, fileIndex, renditionId, segmentIndex }: SegmentAddress, signal: AbortSignal) {
    const { info, renditions } = await media.get(infoHash, fileIndex, signal);
    const rendition = renditions.find((candidate) => candidate.id === renditionId);
    if (!rendition) throw new ProblemError('rendition-unknown');
    if (segmentIndex !== 'init' && segmentIndex >= rendition.timeline.segmentCount) throw new ProblemError('segment-unknown');
    await torrents.ready(infoHash, signal);
    return { rendition, info };
  }

  /** Best effort: with all runs taken the viewer's own request is told so. */
  function warm(infoHash: InfoHash, fileIndex: number, { info, renditions }: ProbedMedia, seconds: number): void {
    const video = renditions.find((rendition) => rendition.kind === 'video');
    const audio = renditions.find((rendition) => rendition.kind === 'audio' && rendition.isDefault);
    for (const rendition of [video, audio]) {
      if (!rendition || fleet.making().length >= options.maxRuns) continue;
      const segmentIndex = segmentAt(rendition.timeline, seconds);
      const key = runKey(infoHash, fileIndex, rendition.id);
      if (cache.get(`${key}/${segmentIndex}`)) continue;
      noteDemand(
        planRun({ infoHash, fileIndex, renditionId: rendition.id, segmentIndex }, key, rendition, info),
        segmentIndex,
        performance.now(),
      );
    }
  }

  return { open, warm, isWaitedFor: (infoHash, fileIndex) => waiting.has(`${infoHash}/${fileIndex}`) };
}

function soundOf(rendition: Rendition, info: MediaInfo): Pick<RunSpec, 'streamEndSeconds' | 'soundFrames'> {
  const stream = rendition.kind === 'audio' && info.audio.find((candidate) => candidate.index === rendition.streamIndex);
  if (!stream) return {};
  const soundFrames = soundFramesOf(stream, info.container);
  return { streamEndSeconds: stream.endSeconds, ...(soundFrames ? { soundFrames } : {}) };
}

/** A fault of a run or of its process passes; the request's own faults do not. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ProblemError)) return true;
  return error.problem.status >= 500 || error.code === 'segment-unknown' || error.code === 'not-found';
}

function etagOf(segmentKey: string): string {
  return `"${createHash('sha256').update(segmentKey).digest('base64url').slice(0, 22)}"`;
}
