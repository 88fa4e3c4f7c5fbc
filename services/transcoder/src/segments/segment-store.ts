/**
 * The files of a run on disk: parts as ffmpeg renames them, segments when they are whole, and everyone who waits for them.
 *
 * 1. A part is accepted only if it is the expected next one, passes `checkPart`, and nothing is wrong with its source.
 * 2. A segment is complete when it has exactly its promised frames; until then its parts are streamed as they come.
 * 3. A finished segment goes after its time to live since its last access; a part of an unfinished one never does.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withSignal } from '@lodestream/service-kit/abort';
import type { Rendition } from '@lodestream/shared';
import { INIT_FILE, partFile } from '../ffmpeg/ffmpeg-args.ts';
import type { RunPlan } from '../run/run-plan.ts';
import { checkPart } from './check-part.ts';
import { type InitInfo, readInit } from './read-init.ts';

type Segment = { parts: { file: number; lengthBytes: number }[]; frameCount: number; isComplete: boolean; lastAccessAt: number };

/** What a request may do with a segment now. */
export type SegmentState = 'unknown' | 'expected' | 'making' | 'complete';

export class RunBroken extends Error {
  override readonly name = 'RunBroken';
}

export type SegmentStore = {
  /** Accepts what ffmpeg has renamed since; also runs by itself at every change of the directory. */
  acceptNew(): Promise<void>;
  nextSegment(): number;
  partsMade(): number;
  framesMade(): number;
  heldSegments(): number[];
  stateOf(segment: number): SegmentState;
  lengthBytes(segment: number): number;
  touch(segment: number): void;
  init(signal: AbortSignal): Promise<Buffer>;
  /** Resolves when the segment has its first part. Rejects with `RunBroken` when it will have none. */
  firstPart(segment: number, signal: AbortSignal): Promise<void>;
  /** The parts of a segment, as they come. */
  read(segment: number, signal: AbortSignal): AsyncGenerator<Buffer>;
  /** Nothing more is accepted; whoever waits for more than there is gets `RunBroken`. */
  end(reason: string): Promise<void>;
  close(): void;
};

export type SegmentStoreOptions = {
  directory: string;
  rendition: Rendition;
  plan: RunPlan;
  ttlMs: number;
  /** True from the moment that anything is wrong with the source: what ffmpeg makes is then not to be trusted. */
  isFaulty: () => boolean;
  onPart: () => void;
  onBad: (reason: string) => void;
};

export function openSegmentStore(options: SegmentStoreOptions): SegmentStore {
  const { directory, rendition, plan } = options;
  const { timeline } = rendition;
  const segments = new Map<number, Segment>();
  let initBytes: Buffer | undefined;
  let initInfo: InitInfo | undefined;
  let nextPart = plan.firstPart;
  let nextSegment = plan.startSegment;
  let framesMade = 0;
  let decodeTicks: number | undefined;
  let endReason: string | undefined;
  let changed = Promise.withResolvers<void>();
  let accepting: Promise<void> | undefined;
  let isDirty = false;

  const watcher: FSWatcher = watch(directory, () => void acceptNew());
  // The directory goes when the worker leaves; the listing in `acceptNew` is what counts.
  watcher.on('error', () => {});

  function announce(): void {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  }

  function acceptNew(): Promise<void> {
    isDirty = true;
    accepting ??= (async () => {
      while (isDirty) {
        isDirty = false;
        await acceptInit();
        while (await acceptPart()) {}
      }
    })().finally(() => {
      accepting = undefined;
    });
    return accepting;
  }

  /** init.mp4 is not renamed: it is whole when its last box is (hls.md §7), and a part's name is never there before. */
  async function acceptInit(): Promise<void> {
    if (initInfo || endReason !== undefined || options.isFaulty()) return;
    const bytes = await readIfThere(join(directory, INIT_FILE));
    if (!bytes) return;
    try {
      const info = readInit(bytes);
      if (!info || endReason !== undefined) return;
      if (info.codecs !== rendition.codecs) return options.onBad(`the init is ${info.codecs}, promised was ${rendition.codecs}`);
      initInfo = info;
      initBytes = bytes;
      decodeTicks = (plan.firstFrame * timeline.frameTicks * info.timescale) / timeline.timescale;
      announce();
    } catch (error) {
      options.onBad(`the init is unreadable: ${(error as Error).message}`);
    }
  }

  async function acceptPart(): Promise<boolean> {
    if (!initInfo || decodeTicks === undefined || endReason !== undefined || framesMade >= plan.frameCount) return false;
    const bytes = await readIfThere(join(directory, partFile(nextPart)));
    // Asked after the read: a fault that is known by now makes this part worthless.
    if (!bytes || endReason !== undefined || options.isFaulty()) return false;
    const segment = segments.get(nextSegment) ?? { parts: [], frameCount: 0, isComplete: false, lastAccessAt: performance.now() };
    const verdict = checkPart(bytes, {
      timeline,
      timescale: initInfo.timescale,
      decodeTicks,
      isSegmentStart: segment.parts.length === 0,
      framesLeft: plan.frameCount - framesMade,
    });
    const reason = verdict.isGood ? misfit(segment, verdict.frameCount) : verdict.reason;
    if (!verdict.isGood || reason) {
      options.onBad(`part ${nextPart}: ${reason}`);
      return false;
    }
    segments.set(nextSegment, segment);
    segment.parts.push({ file: nextPart, lengthBytes: bytes.length });
    segment.frameCount += verdict.frameCount;
    segment.lastAccessAt = performance.now();
    decodeTicks += verdict.durationTicks;
    framesMade += verdict.frameCount;
    nextPart++;
    if (segment.frameCount === promisedFrames(nextSegment)) {
      segment.isComplete = true;
      nextSegment++;
    }
    announce();
    options.onPart();
    return true;
  }

  /** Why a part of so many frames cannot belong to this segment: whole segments have whole parts (hls.md §3b). */
  function misfit(segment: Segment, frameCount: number): string | undefined {
    const promised = promisedFrames(nextSegment);
    const total = segment.frameCount + frameCount;
    if (total > promised) return `segment ${nextSegment} has ${total} frames instead of ${promised}`;
    const isLastPart = segment.parts.length + 1 === timeline.partsPerSegment;
    if (isLastPart && total !== promised) return `segment ${nextSegment} has ${total} frames instead of ${promised}`;
    return undefined;
  }

  function promisedFrames(segment: number): number {
    return Math.min(timeline.framesPerSegment, timeline.frameCount - segment * timeline.framesPerSegment);
  }

  async function until(isDone: () => boolean, signal: AbortSignal): Promise<void> {
    while (!isDone()) {
      if (endReason !== undefined) throw new RunBroken(endReason);
      await withSignal(changed.promise, signal);
    }
  }

  function stateOf(segment: number): SegmentState {
    const held = segments.get(segment);
    if (held) return held.isComplete ? 'complete' : 'making';
    return segment >= nextSegment && segment < plan.endSegment ? 'expected' : 'unknown';
  }

  function touch(segment: number): void {
    const held = segments.get(segment);
    if (held) held.lastAccessAt = performance.now();
  }

  const expiry = setInterval(() => {
    const now = performance.now();
    for (const [index, segment] of segments)
      if (segment.isComplete && now - segment.lastAccessAt > options.ttlMs) {
        segments.delete(index);
        for (const part of segment.parts) void rm(join(directory, partFile(part.file)), { force: true });
      }
  }, EXPIRY_CHECK_MS);
  expiry.unref();

  return {
    acceptNew,
    nextSegment: () => nextSegment,
    partsMade: () => nextPart - plan.firstPart,
    framesMade: () => framesMade,
    heldSegments: () => [...segments].filter(([, segment]) => segment.isComplete).map(([index]) => index),
    stateOf,
    lengthBytes: (segment) => segments.get(segment)?.parts.reduce((sum, part) => sum + part.lengthBytes, 0) ?? 0,
    touch,
    async init(signal) {
      await until(() => initBytes !== undefined, signal);
      return initBytes as Buffer;
    },
    firstPart: (segment, signal) => until(() => segments.has(segment), signal),
    async *read(index, signal) {
      const segment = segments.get(index);
      if (!segment) throw new RunBroken('the segment has expired');
      for (let at = 0; ; at++) {
        await until(() => at < segment.parts.length || segment.isComplete, signal);
        const part = segment.parts[at];
        if (!part) return;
        segment.lastAccessAt = performance.now();
        yield await readFile(join(directory, partFile(part.file)));
      }
    },
    async end(reason) {
      if (endReason !== undefined) return;
      endReason = reason;
      announce();
      for (const [index, segment] of segments) if (!segment.isComplete) segments.delete(index);
      await accepting;
    },
    close() {
      watcher.close();
      clearInterval(expiry);
    },
  };
}

/** Often against any time to live that makes sense, and cheap. */
const EXPIRY_CHECK_MS = 500;

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
