import { readFileSync } from 'node:fs';

/** Linux counts in ticks of 10 ms on every platform that we run on (`getconf CLK_TCK`). */
const TICK_MS = 10;
const PAGE_BYTES = 4096;

/** When a process was started, in milliseconds since the epoch; ± one tick. */
export function startedAtMs(pid: number): number {
  return bootedAtMs + Number(statFields(pid)[19]) * TICK_MS;
}

/** Memory that a process holds (resident set), in bytes. */
export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES;
}

/** CPU time of a process, and of its children that have ended and were waited for (theirs included); in ms. */
export function cpuParts(pid: number): { ownMs: number; childrenMs: number } {
  const [user, system, childUser, childSystem] = statFields(pid).slice(11, 15).map(Number) as [number, number, number, number];
  return { ownMs: (user + system) * TICK_MS, childrenMs: (childUser + childSystem) * TICK_MS };
}

/** From the state on (proc(5)): the name before it may hold spaces and brackets. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

const bootedAtMs = Date.now() - Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000;
