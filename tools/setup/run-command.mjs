import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ROOT } from '../project.mjs';

/**
 * Runs a command in the project's root and resolves with its exit code (128 + signal when it was killed, 127 when it is
 * not there). Output goes where ours goes: standard output of set-up steps to stderr, so that a tool's own result stays clean. A signal that
 * aborts ends the command with SIGTERM.
 */
export function runCommand(command, args, { env = process.env, cwd = ROOT, stdout = 'stderr', signal } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', stdout === 'stderr' ? 2 : 1, 2] });
    signal?.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    child.once('error', () => resolve(127));
    child.once('exit', (code, killedBy) => resolve(code ?? 128 + (constants.signals[killedBy] ?? 0)));
  });
}

/** Runs a short command and gives what it printed, or null when it failed or took longer than 20 s. */
export function readCommand(command, args, { env = process.env } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    child.once('error', () => resolve(null));
    child.once('close', (code) => resolve(code === 0 ? text : null));
  });
}
