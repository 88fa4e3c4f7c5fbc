import type { IncomingMessage } from 'node:http';
import { delay, type Logger, ProblemError } from '@lodestream/service-kit';
import { type RunSpec, RunStatus, type SourceAddress } from '@lodestream/shared';
import { planEncodeSlots } from '../admission/encode-slots.ts';
import type { Orchestrator } from '../workloads/orchestrator.ts';
import { readText, toProblemError, type WorkerClient } from '../workloads/worker-client.ts';
import { isAlive, isReady, type ReadyWorkload, type Workload } from '../workloads/workload.ts';
import { planUntil, type RunView } from './plan-segment.ts';
import { addWaiter, buildOrders, claimSlot, createRunHandle, isMaking, type RunHandle, viewRun } from './run-handle.ts';

/**
 * All runs there are, whichever gateway started them: starts them, tells those that it has wanted something of what is wanted now,
 * and decides who of them is awake. Level-triggered: every change only asks for a turn, and a turn observes, plans and sends what
 * differs.
 *
 * R1. At most `encodeSlots` video runs have a slot of this gateway; one that somebody waits for before any other.
 * R2. A run's `until` is always the first segment that another run starts at and covers.
 * R3. What others have started is known here from the platform, and how far it is from the run itself: no gateway asks another.
 */
export type RunFleet = Disposable & {
  views(key: string): RunView[];
  handle(name: string): RunHandle | undefined;
  /** Asks the runs of the key how far they are by now; soon, or without an answer. */
  refresh(key: string): Promise<void>;
  /** Starts a run, or joins the one of that name. */
  start(spec: RunSpec): RunHandle;
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
  /** Tells this gateway from others in its orders. */
  gatewayId: string;
  orchestrator: Orchestrator;
  client: WorkerClient;
  encodeSlots: number;
  maxSleepingRuns: number;
  runSegments: number | null;
  /** Where the bytes of a run's source are now. */
  locateSource: (spec: RunSpec) => SourceAddress | undefined;
  logger: Logger;
};

const TURN_MS = 1000;
/** How often a run that does nothing is asked what it still holds; whoever misses something there asks at once. */
const REST_MS = 5000;
const ORDERS_TIMEOUT_MS = 3000;
/** An answer takes some milliseconds; a viewer does not wait for a run that hangs. */
const REFRESH_MS = 300;

export function createRunFleet(options: RunFleetOptions): RunFleet {
  const { orchestrator, client } = options;
  const handles = new Map<string, RunHandle>();
  const inFlight = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const askedAtMs = new WeakMap<RunHandle, number>();
  let isTurnAsked = false;

  const stopWatching = orchestrator.watch((workload) => {
    if (workload.spec.kind !== 'run') return;
    // What is told may be over by now, or another of the same name.
    const present = orchestrator.get(workload.name);
    if (present && isAlive(present)) meet(present, workload.spec);
    else handles.delete(workload.name);
    askTurn();
  });
  for (const workload of orchestrator.list())
    if (workload.spec.kind === 'run' && isAlive(workload)) meet(workload, workload.spec);

  /** R3 */
  function meet(workload: Workload, spec: RunSpec): RunHandle {
    const known = handles.get(workload.name);
    const handle = known?.uid === workload.uid ? known : createRunHandle(spec, workload.uid);
    handles.set(workload.name, handle);
    if (handle.status === undefined) void exchange(handle);
    return handle;
  }

  function ours(): RunHandle[] {
    return [...handles.values()].filter((handle) => handle.isOurs);
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
    for (const handle of changed) void exchange(handle);
  }

  /** R1 */
  function planSlots(): RunHandle[] {
    const encoders = ours().filter((handle) => handle.spec.rendition.kind === 'video' && isMaking(handle));
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
    return ours().filter((handle) => {
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
    const sleepers = ours()
      .filter((handle) => handle.status?.phase === 'asleep' && handle.waiters.size === 0)
      .sort((a, b) => claimSlot(b).lastDemandAtMs - claimSlot(a).lastDemandAtMs);
    return sleepers.slice(options.maxSleepingRuns).filter((handle) => {
      const end = Math.max(handle.spec.startSegment + 1, viewRun(handle).nextSegment);
      if (handle.until !== null && handle.until <= end) return false;
      handle.until = end;
      return true;
    });
  }

  /** Tells the run what is wanted of it, or only asks how it is; hears how it is. One at a time, and again if it was late. */
  function exchange(handle: RunHandle): Promise<void> {
    const { name } = handle.spec;
    const running = inFlight.get(name);
    if (running) {
      again.add(name);
      return running;
    }
    const workload = orchestrator.get(name);
    if (!isReady(workload) || handles.get(name) !== handle) return Promise.resolve();
    askedAtMs.set(handle, performance.now());
    const exchanged = talk(handle, workload).finally(() => {
      inFlight.delete(name);
      if (again.delete(name)) void exchange(handle);
    });
    inFlight.set(name, exchanged);
    return exchanged;
  }

  async function talk(handle: RunHandle, workload: ReadyWorkload): Promise<void> {
    const source = options.locateSource(handle.spec) ?? handle.spec.source;
    const orders = handle.isOurs ? buildOrders(handle, options.gatewayId, source) : undefined;
    try {
      const signal = AbortSignal.timeout(ORDERS_TIMEOUT_MS);
      const ask = orders ? ({ method: 'PUT', path: '/orders', body: orders, signal } as const) : { path: '/status', signal };
      onStatus(handle, await client.json(workload, ask, RunStatus));
    } catch (error) {
      for (const segment of orders?.touch ?? []) handle.touches.add(segment);
      options.logger.debug({ err: error }, 'a run does not answer');
    }
  }

  function onStatus(handle: RunHandle, status: RunStatus): void {
    if (handles.get(handle.spec.name) !== handle) return;
    const before = handle.status;
    handle.status = status;
    if (status.phase !== before?.phase)
      orchestrator.setAsleep(handle.spec.name, status.phase === 'asleep' || status.phase === 'ended');
    // What another gateway has ended ends here too.
    handle.until = Math.min(handle.until ?? status.until, status.until);
    const hasJustEnded = status.phase === 'ended' && before?.phase !== 'ended';
    if (hasJustEnded && handle.isOurs && status.reason !== undefined)
      options.logger.warn(
        { rendition: handle.spec.rendition.kind, start: status.startSegment, outcome: status.outcome, reason: status.reason },
        'run ended',
      );
    if (status.phase !== before?.phase || status.partsMade !== before?.partsMade) askTurn();
  }

  const timer = setInterval(() => {
    for (const handle of handles.values()) if (isDue(handle)) void exchange(handle);
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
    async refresh(key) {
      const asked = [...handles.values()].filter((handle) => handle.key === key && isMaking(handle));
      if (asked.length > 0) await Promise.race([Promise.all(asked.map(exchange)), delay(REFRESH_MS)]);
    },
    making: () => [...handles.values()].filter(isMaking),
    start(spec) {
      const handle = meet(orchestrator.ensure(spec), spec);
      handle.isOurs = true;
      askTurn();
      return handle;
    },
    async open(handle, path, signal) {
      const workload = await orchestrator.whenReady(handle.spec.name, signal);
      if (handle.status === undefined && !inFlight.has(handle.spec.name)) void exchange(handle);
      const response = await client.open(workload, { path, signal });
      if (response.statusCode === 200) return response;
      // What the run says may be newer than what is known of it here.
      void exchange(handle);
      throw response.statusCode === undefined
        ? new ProblemError('workload-failed')
        : toProblemError(response.statusCode, await readText(response));
    },
    waitFor(handle, segment) {
      const leave = addWaiter(handle, segment, performance.now());
      askTurn();
      void exchange(handle);
      return () => {
        leave();
        askTurn();
        void exchange(handle);
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
