import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import type { ChildCommand } from './child-command.ts';
import { findProcess, type ProcessId } from './process-table.ts';

/** Of 1000: before anything that says nothing about itself. */
const WORKER_OOM_SCORE = 500;

export type ChildExit = { code: number | null; signal: string | null };

/**
 * Spawns a child whose output goes to a file, so that a detached one outlives whoever read its output. `onExit` is called
 * once, also when it could not be started at all.
 */
export function spawnChild(command: ChildCommand, logFile: string, onExit: (exit: ChildExit) => void): ProcessId | undefined {
  return identify(spawnLogged(command, logFile, 'ignore', onExit));
}

export type WaitingChild = {
  process: ProcessId;
  /** The environment of its job, once. */
  begin(environment: Record<string, string>): void;
};

/** The same for a child that waits for its job on its standard input (service-kit, standby.ts). */
export function spawnWaitingChild(
  command: ChildCommand,
  logFile: string,
  onExit: (exit: ChildExit) => void,
): WaitingChild | undefined {
  const child = spawnLogged(command, logFile, 'pipe', onExit);
  const process = identify(child);
  // Its end is seen by its exit.
  child.stdin?.on('error', () => {});
  return process && { process, begin: (environment) => child.stdin?.end(JSON.stringify(environment)) };
}

function spawnLogged(
  command: ChildCommand,
  logFile: string,
  input: 'ignore' | 'pipe',
  onExit: (exit: ChildExit) => void,
): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(command.file, command.args, {
      env: command.env,
      detached: command.isDetached,
      stdio: [input, log, log],
    });
    let isOver = false;
    const end = (exit: ChildExit) => {
      if (isOver) return;
      isOver = true;
      onExit(exit);
    };
    child.once('error', () => end({ code: null, signal: 'ENOENT' }));
    child.once('exit', (code, signal) => end({ code, signal }));
    if (command.isDetached) child.unref();
    offerToTheKernel(child.pid);
    return child;
  } finally {
    closeSync(log);
  }
}

/** When the machine runs out of memory a worker goes before the gateway (proc(5), oom_score_adj). */
function offerToTheKernel(pid: number | undefined): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(WORKER_OOM_SCORE));
  } catch {
    // It has ended already, or this is no Linux.
  }
}

function identify({ pid }: ChildProcess): ProcessId | undefined {
  return pid === undefined ? undefined : (findProcess(pid) ?? { pid, startTicks: '' });
}
