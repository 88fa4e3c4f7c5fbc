import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export type ProcessInfo = {
  pid: number;
  parentPid: number;
  command: string /** `Z` is a zombie, `T` is asleep. */;
  state: string;
};

/** Every process of this machine, from /proc; one that ends meanwhile is left out. */
export function listProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

/** One process, or null when there is none of that pid. A zombie is still listed, with state `Z`. */
export function readProcess(pid: number): ProcessInfo | null {
  try {
    // `pid (name with spaces and brackets) S ppid …` (proc(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', parentPid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return {
      pid,
      parentPid: Number(parentPid),
      command: command || stat.slice(stat.indexOf('('), stat.lastIndexOf(')') + 1),
      state,
    };
  } catch {
    return null;
  }
}

/** Children, their children and so on of one process, in no order; not the process itself. */
export function descendants(pid: number): ProcessInfo[] {
  const all = listProcesses();
  const found: ProcessInfo[] = [];
  let parents = [pid];
  while (parents.length > 0) {
    const children = all.filter((one) => parents.includes(one.parentPid));
    found.push(...children);
    parents = children.map((one) => one.pid);
  }
  return found;
}

/** Processes whose environment holds `name=value…` with that prefix: also those that left their parents. */
export function processesWithEnvironment(name: string, valuePrefix: string): ProcessInfo[] {
  const wanted = `${name}=${valuePrefix}`;
  return listProcesses().filter(({ pid, state }) => {
    if (state === 'Z') return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8')
        .split('\0')
        .some((entry) => entry.startsWith(wanted));
    } catch {
      return false;
    }
  });
}

/** Processes that work in a directory or below it: also those with an empty environment and no parent left. */
export function processesInDirectory(dir: string): ProcessInfo[] {
  return listProcesses().filter(({ pid, state }) => {
    if (state === 'Z') return false;
    try {
      return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${dir}/`);
    } catch {
      return false;
    }
  });
}

/** CPU time that a process has used so far, in milliseconds (user and system, without its children). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime and stime are fields 14 and 15 of proc(5), in clock ticks of 10 ms.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
