import { readFileSync } from 'node:fs';

/** npm is killed without a word to us, so it is looked at; once a second is soon enough for a process that nobody owns. */
const CHECK_MS = 1000;

/**
 * Calls `onGone` once when the npm that started this script is gone. npm runs a script through a shell, which outlives it:
 * so the parent is watched, and where that is such a shell its parent too. Does nothing when npm did not start us: a script
 * that runs with `nohup` may outlive its parent. Gives a function that ends the watch.
 */
export function watchNpm(onGone) {
  if (process.env.npm_lifecycle_event === undefined) return () => {};
  const parentPid = process.ppid;
  const grandparentPid = readCommandLine(parentPid)[1] === '-c' ? readParent(parentPid) : null;
  const timer = setInterval(() => {
    const isThere = process.ppid === parentPid && (grandparentPid === null || readParent(parentPid) === grandparentPid);
    if (isThere) return;
    clearInterval(timer);
    onGone();
  }, CHECK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** The parent of a process by proc(5), or null where it is gone or this is no Linux. */
function readParent(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

function readCommandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
