import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerSpec } from '@lodestream/shared';
import { buildStandbyCommand, type ChildCommand } from './child-command.ts';
import { type ChildExit, spawnWaitingChild, type WaitingChild } from './child-process.ts';
import { killProcess, type ProcessId } from './process-table.ts';

/** Probes and runs are one program. */
type Program = 'downloader' | 'transcoder';

/** What the start of a film takes: its downloader, its probe, and the runs of its picture and of its sound. */
const WANTED: Record<Program, number> = { downloader: 1, transcoder: 3 };
/** One after the other: each takes a core for half a second. */
const STEP_MS = 250;
/** While a film starts, the cores are its own: processes that were taken are replaced after it. */
const QUIET_MS = 5000;

/**
 * Workers that have loaded their code and wait for a job, while somebody is here. They save a viewer the start of three
 * processes in a row at a first frame, and of two at a seek. Without a visit for the TTL they go.
 *
 * S1. At most `WANTED` of a program; none without a visit.
 * S2. A process is given one job, and then is a workload's like any other.
 */
export type Standby = Disposable & {
  /** Somebody is here, and may want workers soon. */
  expect(): void;
  /** Gives the job to a process that waits for one; undefined when none does. */
  begin(
    kind: WorkerSpec['kind'],
    command: ChildCommand,
    logFile: string,
    onExit: (exit: ChildExit) => void,
  ): ProcessId | undefined;
};

export type StandbyOptions = { root: string; ttlSeconds: number; execPath: string; path: string };

type Spare = { program: Program; child: WaitingChild; logFile: string; dir: string; onExit: (exit: ChildExit) => void };

export function createStandby({ root, ttlSeconds, execPath, path }: StandbyOptions): Standby {
  const spares = new Set<Spare>();
  let count = 0;
  let expectedAtMs = Number.NEGATIVE_INFINITY;
  let busyAtMs = Number.NEGATIVE_INFINITY;

  const timer = setInterval(() => {
    const now = performance.now();
    if (now - expectedAtMs > ttlSeconds * 1000) dropAll();
    else if (now - busyAtMs > QUIET_MS) addOne();
  }, STEP_MS);
  timer.unref();

  function addOne(): void {
    const program = (Object.keys(WANTED) as Program[]).find((each) => countOf(each) < WANTED[each]);
    if (program === undefined) return;
    const dir = join(root, `standby-${process.pid}-${++count}`);
    const logFile = join(dir, 'log');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const command = buildStandbyCommand(program === 'downloader' ? 'downloader' : 'run', dir, execPath, path);
    const child = spawnWaitingChild(command, logFile, (exit) => spare?.onExit(exit));
    const spare: Spare | undefined = child && { program, child, logFile, dir, onExit: () => onSpareGone(spare) };
    if (spare) spares.add(spare);
    else rmSync(dir, { recursive: true, force: true });
  }

  function countOf(program: Program): number {
    return [...spares].filter((spare) => spare.program === program).length;
  }

  function forget(spare: Spare | undefined): void {
    if (!spare) return;
    spares.delete(spare);
    rmSync(spare.dir, { recursive: true, force: true });
  }

  /** One that fails by itself is not replaced at once, or a program that cannot start would start for ever. */
  function onSpareGone(spare: Spare | undefined): void {
    busyAtMs = performance.now();
    forget(spare);
  }

  function dropAll(): void {
    for (const spare of spares) {
      killProcess(spare.child.process);
      forget(spare);
    }
  }

  return {
    expect() {
      const isFirst = performance.now() - expectedAtMs > ttlSeconds * 1000;
      expectedAtMs = performance.now();
      if (isFirst) addOne();
    },
    begin(kind, command, logFile, onExit) {
      const program = kind === 'downloader' ? 'downloader' : 'transcoder';
      const spare = [...spares].find((each) => each.program === program);
      // Also when none is there: what is started in its place has the cores for itself.
      busyAtMs = performance.now();
      if (!spare) return undefined;
      spare.onExit = onExit;
      // What it says from now on, and what it has said, is its workload's.
      renameSync(spare.logFile, logFile);
      forget(spare);
      spare.child.begin(command.env);
      return spare.child.process;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      dropAll();
    },
  };
}
