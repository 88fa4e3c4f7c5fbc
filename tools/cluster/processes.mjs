import { spawn } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATE_DIR } from './place.mjs';

const END_MS = 10_000;
const LOOK_MS = 100;

/** Starts a part of the cluster that outlives us: its log and its pid lie in the state folder. */
export function startPart(name, command, args, env = process.env) {
  const log = openSync(join(STATE_DIR, 'log', `${name}.log`), 'a');
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log], env });
  child.unref();
  writeFileSync(pidFile(name), String(child.pid));
}

/** SIGTERM, and SIGKILL after 10 s. The pid is of ours only if its command line speaks of our state folder. */
export async function endPart(name, signal = 'SIGTERM') {
  const pid = readPid(name);
  if (pid === undefined || !isOurs(pid)) return;
  process.kill(pid, signal);
  if (!(await waitUntil(() => !isOurs(pid), END_MS))) process.kill(pid, 'SIGKILL');
  await waitUntil(() => !isOurs(pid), END_MS);
  rmSync(pidFile(name), { force: true });
}

export function readPid(name) {
  const file = pidFile(name);
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
}

/** Pids of processes whose command line has this text. */
export function findProcesses(text) {
  return readdirSync('/proc').flatMap((entry) =>
    /^\d+$/.test(entry) && readCommandLine(entry).includes(text) ? [Number(entry)] : [],
  );
}

/** Looks until it is true or the time is over; gives whether it became true. */
export async function waitUntil(isTrue, timeoutMs, everyMs = LOOK_MS) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await isTrue()) return true;
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

function pidFile(name) {
  return join(STATE_DIR, 'run', `${name}.pid`);
}

function isOurs(pid) {
  return readCommandLine(pid).includes(STATE_DIR);
}

/** Empty for a zombie, and for what is gone. */
function readCommandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
