/**
 * One run: the one owner of its ffmpeg process. It starts the source proxy and ffmpeg, accepts what is made, lets ffmpeg
 * sleep and wake, and ends it.
 *
 * 1. After a fault of the source ffmpeg is killed before anything else happens, and nothing of it is accepted.
 * 2. A run is `finished` only with all promised frames; exit code 0 alone says nothing (hls.md §1.10).
 * 3. After its end it serves the finished segments until each one's time to live is over.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { IdleClock } from '@lodestream/service-kit/idle-clock';
import type { RunOrders, RunOutcome, RunSpec, RunStatus } from '@lodestream/shared';
import type { Want } from '@lodestream/shared/want';
import { buildRunCommand, PART_FILE } from '../ffmpeg/ffmpeg-args.ts';
import { type FfmpegExit, type FfmpegProcess, startFfmpeg } from '../ffmpeg/ffmpeg-process.ts';
import { openSegmentStore, type SegmentStore } from '../segments/segment-store.ts';
import { openSourceProxy } from '../source/source-proxy.ts';
import { openSource } from '../source/source-reader.ts';
import { measureSpeed } from './measure-speed.ts';
import { createOrderBook } from './order-book.ts';
import { pickPace } from './pacing.ts';
import { createProgressClock } from './progress-clock.ts';
import { nextRunState, type RunEvent, type RunState } from './run-machine.ts';
import { effectiveEnd, partSeconds, planRun } from './run-plan.ts';

/** A directory event may be lost under load; a listing so often finds what it told us of. */
const TICK_MS = 500;
/** An awake ffmpeg with bytes to read that neither reads nor writes hangs in a damaged file (security.md M3). */
const MAX_SILENCE_MS = 30_000;

export type Run = {
  segments: SegmentStore;
  status(): RunStatus;
  obey(orders: RunOrders): RunStatus;
  /** A viewer's request for the segment: access, and demand. */
  demand(segment: number): void;
  /** Calls back once the run has ended, also when it already has. */
  onEnded(listener: (state: EndedState) => void): void;
  leave(): Promise<void>;
};

type EndedState = RunState & { phase: 'ended' };
export type RunOptions = { directory: string; clock: IdleClock };

/** Starts the run. Rejects when the spec makes no sense or ffmpeg cannot be spawned. */
export async function startRun(spec: RunSpec, { directory, clock }: RunOptions): Promise<Run> {
  const plan = planRun(spec);
  const { timeline } = spec.rendition;
  const secondsAPart = partSeconds(spec.rendition);
  const startedAt = performance.now();

  let state: RunState = { phase: 'starting' };
  let ffmpeg: FfmpegProcess | undefined;
  let sourceFault: string | undefined;
  const startSeconds = plan.startSegment * timeline.partsPerSegment * secondsAPart;
  const book = createOrderBook({ demand: plan.startSegment, hasSlot: true, heldSeconds: startSeconds });
  /** Asked for since the last orders, which will know of it. */
  let askedSegment = plan.startSegment;
  let until: number | null = spec.until;
  const ended = Promise.withResolvers<EndedState>();
  const awake = { ms: 0, sinceAt: startedAt as number | undefined, msAtFirstPart: undefined as number | undefined };

  await mkdir(directory, { recursive: true });
  await removeContents(directory);
  const source = openSource(spec.source, spec.lengthBytes, { urgency: 'held', seconds: startSeconds });
  const proxy = await openSourceProxy(source, spec.lengthBytes, (reason) => {
    sourceFault = reason;
    end('broken', reason);
  });
  const segments = openSegmentStore({
    directory,
    rendition: spec.rendition,
    plan,
    ttlMs: spec.ttlSeconds * 1000,
    isFaulty: () => sourceFault !== undefined,
    onPart: () => {
      awake.msAtFirstPart ??= awakeMs();
      if (spec.rendition.kind === 'audio') ffmpeg?.yieldCpu();
      apply({ type: 'part-made' });
      step();
    },
    onBad: (reason) => end('broken', reason),
  });
  const progress = createProgressClock(startedAt);

  function apply(event: RunEvent): void {
    state = nextRunState(state, event);
  }

  /** SIGKILL first, then the truth, then the sockets: ffmpeg must never see our end of its source. */
  function end(outcome: RunOutcome, reason?: string): void {
    if (state.phase === 'ended') return;
    ffmpeg?.kill();
    countAwake(false);
    apply({ type: 'ended', outcome, ...(reason === undefined ? {} : { reason }) });
    clearInterval(ticking);
    proxy.close();
    source.close();
    void segments
      .end(reason ?? outcome)
      .then(() => ffmpeg?.exited)
      .then(() => removeUnaccepted(directory, segments, plan.startSegment, timeline.partsPerSegment))
      .catch(() => {});
    ended.resolve(state as RunState as EndedState);
  }

  function awakeMs(): number {
    return awake.ms + (awake.sinceAt === undefined ? 0 : performance.now() - awake.sinceAt);
  }

  function countAwake(isAwake: boolean): void {
    awake.ms = awakeMs();
    awake.sinceAt = isAwake ? performance.now() : undefined;
  }

  /** Observe → plan → act; safe to call at any time. */
  function step(): void {
    if (state.phase === 'ended' || !ffmpeg) return;
    // All frames are accepted: whatever ffmpeg still has to do (it may be asleep) nobody needs.
    if (segments.framesMade() === plan.frameCount) return end('finished');
    if (segments.nextSegment() >= effectiveEnd(plan, until)) return end('reached-until');
    const { demand, hasSlot } = book.together();
    const pace = pickPace({
      kind: spec.rendition.kind,
      isAsleep: state.phase === 'asleep',
      madeParts: plan.firstPart + segments.partsMade(),
      ownParts: segments.partsMade(),
      demandedSegment: Math.max(demand, askedSegment),
      partsPerSegment: timeline.partsPerSegment,
      hasSlot,
      ageMs: performance.now() - startedAt,
    });
    if (pace === 'sleep') {
      ffmpeg.sleep();
      countAwake(false);
      apply({ type: 'slept' });
    } else if (pace === 'wake') {
      ffmpeg.wake();
      countAwake(true);
      apply({ type: 'woken' });
    }
    source.setWant(want());
  }

  /** Asleep it wants nothing: what it has in its pipe is enough to go on with. */
  function want(): Want | null {
    if (state.phase === 'asleep') return null;
    const { heldSeconds } = book.together();
    if (heldSeconds !== null) return { urgency: 'held', seconds: heldSeconds };
    return { urgency: 'ahead', seconds: (plan.firstPart + segments.partsMade()) * secondsAPart };
  }

  function onTick(): void {
    const isExcused = state.phase === 'asleep' || proxy.isStarved();
    const silentMs = progress.observe({ progress: proxy.bytesRead() + segments.partsMade(), isExcused }, performance.now());
    if (silentMs > MAX_SILENCE_MS) return end('broken', `no progress for ${MAX_SILENCE_MS / 1000} s`);
    void segments.acceptNew().then(step, onDiskError);
  }

  function onDiskError(error: unknown): void {
    end('broken', `the disk failed: ${error instanceof Error ? error.message : String(error)}`);
  }

  async function onExit(exit: FfmpegExit, process: FfmpegProcess): Promise<void> {
    if (state.phase === 'ended') return;
    await segments.acceptNew().then(step, onDiskError);
    const how = exit.signal ?? `code ${exit.code}`;
    end('broken', `ffmpeg ended (${how}) after ${segments.framesMade()} of ${plan.frameCount} frames: ${process.stderrTail()}`);
  }

  const ticking = setInterval(onTick, TICK_MS);
  try {
    ffmpeg = await startFfmpeg(buildRunCommand(spec, proxy.url), directory);
  } catch (error) {
    end('broken', `ffmpeg did not start: ${(error as Error).message}`);
    throw error;
  }
  const started = ffmpeg;
  if (sourceFault !== undefined) started.kill();
  void started.exited.then((exit) => onExit(exit, started));

  function status(): RunStatus {
    const ending =
      state.phase === 'ended' ? { outcome: state.outcome, ...(state.reason === undefined ? {} : { reason: state.reason }) } : {};
    return {
      kind: 'run',
      name: spec.name,
      phase: state.phase,
      ...ending,
      startSegment: plan.startSegment,
      nextSegment: segments.nextSegment(),
      until: effectiveEnd(plan, until),
      heldSegments: segments.heldSegments(),
      partsMade: segments.partsMade(),
      speed: measureSpeed({
        partsMade: segments.partsMade(),
        secondsAPart,
        awakeMs: awakeMs(),
        awakeMsAtFirstPart: awake.msAtFirstPart,
      }),
      isWaitedFor: book.together().heldSeconds !== null,
      ffmpegPid: state.phase === 'ended' ? null : started.pid,
      idleSeconds: clock.idleSeconds(),
    };
  }

  return {
    segments,
    status,
    obey(orders) {
      if (orders.until !== null) until = Math.min(orders.until, until ?? orders.until);
      book.take(orders, performance.now());
      askedSegment = plan.startSegment;
      source.moveTo(orders.source);
      if (orders.touch.length > 0) clock.touch();
      for (const segment of orders.touch) segments.touch(segment);
      step();
      return status();
    },
    demand(segment) {
      clock.touch();
      segments.touch(segment);
      askedSegment = Math.max(askedSegment, segment);
      step();
    },
    onEnded: (listener) => void ended.promise.then(listener),
    async leave() {
      end('stopped');
      await started.exited;
      segments.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function removeContents(directory: string): Promise<void> {
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
}

/** Deletes every part that belongs to no finished segment: what a killed ffmpeg left behind. */
async function removeUnaccepted(
  directory: string,
  segments: SegmentStore,
  startSegment: number,
  partsPerSegment: number,
): Promise<void> {
  for (const name of await readdir(directory)) {
    const part = PART_FILE.exec(name)?.[1];
    const isFinished = part !== undefined && Math.floor(Number(part) / partsPerSegment) < segments.nextSegment();
    if (!isFinished || Number(part) < startSegment * partsPerSegment) await rm(join(directory, name), { force: true });
  }
}
