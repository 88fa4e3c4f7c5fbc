import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { ChildCommand } from './child-command.ts';
import { findProcess, type ProcessId } from './process-table.ts';

export type ChildExit = { code: number | null; signal: string | null };

/**
 * Spawns a child whose output goes to a file, so that a detached one outlives whoever read its output. `onExit` is called
 * once, also when it could not be started at all.
 */
export function spawnChild(command: ChildCommand, logFile: string, onExit: (exit: ChildExit) => void): ProcessId | undefined {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(command.file, command.args, {
      env: command.env,
      detached: command.isDetached,
      stdio: ['ignore', log, log],
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
    if (child.pid === undefined) return undefined;
    return findProcess(child.pid) ?? { pid: child.pid, startTicks: '' };
  } finally {
    closeSync(log);
  }
}
