import type { IncomingMessage } from 'node:http';
import { type Logger, ProblemError } from '@lodestream/service-kit';
import { type RunSpec, RunStatus, type SourceAddress } from '@lodestream/shared';
import { planEncodeSlots } from '../admission/encode-slots.ts';
import type { Orchestrator } from '../workloads/orchestrator.ts';
import { readText, toProblemError, type WorkerClient } from '../workloads/worker-client.ts';
import { isAlive, isReady, type Workload } from '../workloads/workload.ts';
import { planUntil, type RunView } from './plan-segment.ts';
import { addWaiter, buildOrders, claimSlot, createRunHandle, isMaking, type RunHandle, viewRun } from './run-handle.ts';

/**
 * All runs of this gateway: starts them, tells each what is wanted of it, and decides who is awake. Level-triggered: every
 * change only asks for a turn, and a turn observes, plans and sends what differs.
 *
 * R1. At most `encodeSlots` video runs have a slot; one that somebody waits for before any other.
 * R2. A run's `until` is always the first segment that another run starts at and covers.
 * R3. Runs of other gateways are known and used too; one that nobody here wants anything of is asked, and never told.
 */
export type RunFleet = Disposable & {
  views(key: string): RunView[];
  handle(name: string): RunHandle | undefined;
  /** Starts a run, or joins the one of that name. */
  start(spec: RunSpec, key: string): RunHandle;
  /** Asks the run for a path of its own (`/init`, `/segments/3`); the answer is a success. */
  open(handle: RunHandle, path: string, signal: AbortSignal): Promise<IncomingMessage>;
  /** Somebody waits for the segment until what is returned is called. */
  waitFor(handle: RunHandle, segment: number): () => void;
  /** A segment was served from memory: its run hears of the access. */
  touch(name: string, segment: number): void;
  /** Runs that can still make segments. */
  making(): RunHandle[];
};

export type RunFleetOptions = {
  orchestrator: Orchestrator;
  client: WorkerClient;
  encodeSlots: number;
  maxSleepingRuns: number;
  runSegments: number | null;
  /** Where the bytes of a run's source are now. */
  locateSource: (spec: RunSpec) => SourceAddress | undefined;
  /** The key of a run that another gateway started; undefined: its torrent is not known here. */
  keyOf: (spec: RunSpec) => string | undefined;
  logger: Logger;
};

const TURN_MS = 1000;
/** How often a run that does nothing is asked what it still holds; whoever misses something there asks at once. */
const REST_MS = 5000;
const ORDERS_TIMEOUT_MS = 3000;

export function createRunFleet(options: RunFleetOptions): RunFleet {
  const { orchestrator, client } = options;
  const handles = new Map<string, RunHandle>();
  const inFlight = new Set<string>();
  const again = new Set<string>();
  const askedAtMs = new WeakMap<RunHandle, number>();
  let isTurnAsked = false;

  const stopWatching = orchestrator.watch((workload) => {
    if (workload.spec.kind !== 'run') return;
    const handle = handles.get(workload.name);
    if (handle && !isAlive(workload) && workload.uid === handle.uid) handles.delete(workload.name);
    else if (!handle) meet(workload);
    askTurn();
  });
  for (const workload of orchestrator.list()) meet(workload);

  /** R3 */
  function meet(workload: Workload): void {
    const key = isReady(workload) && workload.spec.kind === 'run' ? options.keyOf(workload.spec) : undefined;
    if (key === undefined || workload.spec.kind !== 'run') return;
    const handle = createRunHandle(workload.spec, workload.uid, key, false);
    handles.set(workload.name, handle);
    void sendOrders(handle);
  }

  /** Several changes of one moment are one turn. */
  function askTurn(): void {
    if (isTurnAsked) return;
    isTurnAsked = true;
    queueMicrotask(() => {
      isTurnAsked = false;
      takeTurn();
    });
  }

  function takeTurn(): void {
    const changed = new Set<RunHandle>();
    for (const handle of planUntils()) changed.add(handle);
    for (const handle of planSlots()) changed.add(handle);
    for (const handle of endSleepers()) changed.add(handle);
    for (const handle of changed) void sendOrders(handle);
  }

  /** R1 */
  function planSlots(): RunHandle[] {
    const encoders = [...handles.values()].filter((handle) => handle.spec.rendition.kind === 'video' && isMaking(handle));
    const awake = planEncodeSlots(encoders.map(claimSlot), options.encodeSlots);
    return encoders.filter((handle) => {
      const hasSlot = awake.has(handle.spec.name);
      if (hasSlot === handle.hasSlot) return false;
      handle.hasSlot = hasSlot;
      handle.partsAtSlot = handle.status?.partsMade ?? 0;
      return true;
    });
  }

  /** R2 */
  function planUntils(): RunHandle[] {
    return [...handles.values()].filter((handle) => {
      if (!isMaking(handle)) return false;
      const own = viewRun(handle);
      const others = views(handle.key).filter((view) => view.name !== own.name && view.startSegment >= own.nextSegment);
      const planned = planUntil(handle.spec.startSegment, others, handle.spec.rendition.timeline, options.runSegments);
      const until = handle.spec.until === null ? planned : Math.min(planned ?? handle.spec.until, handle.spec.until);
      if (until === null || (handle.until !== null && until >= handle.until)) return false;
      handle.until = until;
      return true;
    });
  }

  /** Beyond the limit the least recently wanted sleeper ends where it is; it still serves what it made. */
  function endSleepers(): RunHandle[] {
    const sleepers = [...handles.values()]
      .filter((handle) => handle.status?.phase === 'asleep' && handle.waiters.size === 0)
      .sort((a, b) => claimSlot(b).lastDemandAtMs - claimSlot(a).lastDemandAtMs);
    return sleepers.slice(options.maxSleepingRuns).filter((handle) => {
      const end = Math.max(handle.spec.startSegment + 1, viewRun(handle).nextSegment);
      if (handle.until !== null && handle.until <= end) return false;
      handle.until = end;
      return true;
    });
  }

  async function sendOrders(handle: RunHandle): Promise<void> {
    const { name } = handle.spec;
    if (inFlight.has(name)) {
      again.add(name);
      return;
    }
    const workload = orchestrator.get(name);
    const source = options.locateSource(handle.spec) ?? handle.spec.source;
    if (!isReady(workload) || handles.get(name) !== handle) return;
    inFlight.add(name);
    askedAtMs.set(handle, performance.now());
    const { isOurs } = handle;
    const orders = buildOrders(handle, source);
    try {
      const signal = AbortSignal.timeout(ORDERS_TIMEOUT_MS);
      const before = handle.status;
      const ask = isOurs ? { method: 'PUT' as const, path: '/orders', body: orders, signal } : { path: '/status', signal };
      const status = await client.json(workload, ask, RunStatus);
      if (handles.get(name) !== handle) return;
      handle.status = status;
      if (!isOurs) handle.until = status.until;
      if (status.phase !== before?.phase) orchestrator.setAsleep(name, status.phase === 'asleep' || status.phase === 'ended');
      if (status.reason !== undefined && before?.phase !== 'ended' && status.phase === 'ended')
        options.logger.warn(
          { rendition: handle.spec.rendition.kind, start: status.startSegment, outcome: status.outcome, reason: status.reason },
          'run ended',
        );
      if (status.phase !== before?.phase || status.partsMade !== before?.partsMade) askTurn();
    } catch (error) {
      for (const segment of orders.touch) handle.touches.add(segment);
      options.logger.debug({ err: error }, 'orders not taken');
    } finally {
      inFlight.delete(name);
      if (again.delete(name)) void sendOrders(handle);
    }
  }

  const timer = setInterval(() => {
    for (const handle of handles.values()) if (isDue(handle)) void sendOrders(handle);
    askTurn();
  }, TURN_MS);
  timer.unref();

  /** What encodes, is waited for or was touched hears every second; a run at rest is left at rest. */
  function isDue(handle: RunHandle): boolean {
    const isAtRest = handle.status?.phase === 'asleep' || handle.status?.phase === 'ended' || !handle.isOurs;
    if (!isAtRest || handle.waiters.size > 0 || handle.touches.size > 0) return true;
    return performance.now() - (askedAtMs.get(handle) ?? 0) >= REST_MS;
  }

  function views(key: string): RunView[] {
    return [...handles.values()].filter((handle) => handle.key === key).map(viewRun);
  }

  return {
    views,
    handle: (name) => handles.get(name),
    making: () => [...handles.values()].filter(isMaking),
    start(spec, key) {
      const workload = orchestrator.ensure(spec);
      const existing = handles.get(spec.name);
      if (existing && existing.uid === workload.uid) {
        existing.isOurs = true;
        return existing;
      }
      const handle = createRunHandle(spec, workload.uid, key);
      handles.set(spec.name, handle);
      askTurn();
      return handle;
    },
    async open(handle, path, signal) {
      const workload = await orchestrator.whenReady(handle.spec.name, signal);
      if (handle.status === undefined) void sendOrders(handle);
      const response = await client.open(workload, { path, signal });
      if (response.statusCode === 200) return response;
      // What the run says may be newer than what is known of it here.
      void sendOrders(handle);
      throw response.statusCode === undefined
        ? new ProblemError('workload-failed')
        : toProblemError(response.statusCode, await readText(response));
    },
    waitFor(handle, segment) {
      const leave = addWaiter(handle, segment, performance.now());
      askTurn();
      void sendOrders(handle);
      return () => {
        leave();
        askTurn();
        void sendOrders(handle);
      };
    },
    touch(name, segment) {
      const handle = handles.get(name);
      if (!handle) return;
      handle.isOurs = true;
      handle.touches.add(segment);
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      stopWatching();
    },
  };
}
