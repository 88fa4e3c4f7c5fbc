import { readFileSync } from 'node:fs';

/** A process told apart from a later one with the same pid: by its start time in clock ticks since boot (proc(5)). */
export type ProcessId = { pid: number; startTicks: string };

/** The process of this pid as it is now; undefined when there is none, or only a zombie. */
export function findProcess(pid: number): ProcessId | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold spaces and parentheses itself: the fields count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : { pid, startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

export function isRunning(process: ProcessId): boolean {
  return findProcess(process.pid)?.startTicks === process.startTicks;
}

/** SIGKILL: the only signal that also ends a stopped process, and that leaves no half-renamed segment. */
export function killProcess(target: ProcessId): void {
  if (!isRunning(target)) return;
  try {
    process.kill(target.pid, 'SIGKILL');
  } catch {
    // It ended in between, which is what was wanted.
  }
}
