import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchNpm } from './npm-watch.mjs';
import { planRestart } from './restart-delay.mjs';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** The gateway drains streams, ends its workers and empties its directory; beyond this it hangs. */
const STOP_TIMEOUT_MS = 15_000;

/**
 * Keeps one service running until it is asked to stop, and resolves with the exit code for our own process.
 *
 * 1. A crash is answered with a new start after a growing delay; exit codes 0 and 78 are final.
 * 2. The first stop signal becomes one SIGTERM; later ones change nothing, because a terminal and npm both pass them on.
 * 3. The service has its own process group, so that a Ctrl-C in the terminal reaches it through us alone, once; and it gets
 *    SIGTERM from the kernel when we are killed.
 */
export async function supervise({ command, args, env, cwd, say, stopTimeoutMs = STOP_TIMEOUT_MS, onStart = () => {} }) {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  const unwatchNpm = watchNpm(onSignal);
  let crashes = 0;
  try {
    for (;;) {
      const startedAt = performance.now();
      const exitCode = await runUntilStopped({ command, args, env, cwd, say, stopTimeoutMs, onStart, signal: stop.signal });
      if (stop.signal.aborted) return 0;
      const restart = planRestart({ exitCode, uptimeMs: performance.now() - startedAt, crashes });
      if (restart === null) return exitCode;
      crashes = restart.crashes;
      say(`the gateway ended with ${exitCode}; it is started again in ${restart.delayMs / 1000} s`);
      await sleep(restart.delayMs, undefined, { signal: stop.signal }).catch(() => {});
      if (stop.signal.aborted) return 0;
    }
  } finally {
    unwatchNpm();
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
  }
}

async function runUntilStopped({ command, args, env, cwd, say, stopTimeoutMs, onStart, signal }) {
  const [program, ...rest] = withDeathSignal([command, ...args]);
  const child = spawn(program, rest, { env, cwd, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  const exited = new Promise((resolve) => {
    child.once('error', (error) => {
      say(`could not start ${command}: ${error.message}`);
      resolve(127);
    });
    child.once('exit', (code, name) => resolve(code ?? 128 + constants.signals[name]));
  });
  const running = new AbortController();
  const isRunning = AbortSignal.any([signal, running.signal]);
  if (child.pid !== undefined) onStart(isRunning);
  let killTimer;
  const onStop = () => {
    child.kill('SIGTERM');
    killTimer = setTimeout(() => {
      say(`the gateway has not ended after ${stopTimeoutMs / 1000} s: it is killed`);
      killGroup(child.pid);
    }, stopTimeoutMs);
  };
  if (signal.aborted) onStop();
  else signal.addEventListener('abort', onStop, { once: true });
  const code = await exited;
  running.abort();
  clearTimeout(killTimer);
  signal.removeEventListener('abort', onStop);
  // Whoever of its group is left has nobody to look after it.
  if (child.pid !== undefined) killGroup(child.pid);
  return code;
}

function withDeathSignal(command) {
  return process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'TERM', '--', ...command] : command;
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nobody is left, which is what was wanted.
  }
}
