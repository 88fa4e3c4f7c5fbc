import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** Enough of the output to understand a failure, never enough to fill the memory. */
const TAIL_BYTES = 64 * 1024;
/** How long a program may take to leave after SIGTERM; transmission says goodbye to its trackers first. */
const STOP_TIMEOUT_MS = 3000;

export type StartOptions = {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Called with every complete line of the standard output. */
  onLine?: (line: string) => void;
  /** Some programs save state for seconds on SIGTERM, which no test needs. */
  stopSignal?: NodeJS.Signals;
};

export type RunningProcess = AsyncDisposable & {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves with the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  /** The last 64 KiB of standard output and error together. */
  tail(): string;
  hasExited(): boolean;
  /** SIGTERM, then SIGKILL; returns when the process is gone. */
  stop(): Promise<void>;
};

/**
 * Starts a program that cannot outlive its test: `setpriv --pdeathsig KILL` makes the kernel end it when the test runner
 * dies, however that happens.
 */
export function startProcess(command: string, args: readonly string[], options: StartOptions = {}): RunningProcess {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  let output = '';
  const keep = (text: string) => {
    output = (output + text).slice(-TAIL_BYTES);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  // A program that leaves while we write to it is seen by its exit.
  child.stdin.on('error', () => {});
  if (options.onLine) splitLines(child.stdout, options.onLine);

  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      keep(`could not start ${command}: ${error.message}\n`);
      resolve(-1);
    });
    child.once('exit', (code) => resolve(code));
  });
  const hasExited = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  const stop = async () => {
    if (hasExited()) return;
    const closed = once(child, 'exit');
    child.kill(options.stopSignal ?? 'SIGTERM');
    child.kill('SIGCONT');
    const timer = new AbortController();
    const isGone = await Promise.race([closed.then(() => true), sleep(STOP_TIMEOUT_MS, false, { signal: timer.signal })]);
    timer.abort();
    if (!isGone) {
      child.kill('SIGKILL');
      await closed;
    }
  };
  return { pid: child.pid ?? -1, child, exited, tail: () => output, hasExited, stop, [Symbol.asyncDispose]: stop };
}

/** Runs a program to its end and gives its standard output; a non-zero exit or the deadline is an error with the tail. */
export async function runProcess(
  command: string,
  args: readonly string[],
  { timeoutMs, ...options }: StartOptions & { timeoutMs: number },
): Promise<string> {
  await using program = startProcess(command, args, options);
  program.child.stdin?.end();
  let stdout = '';
  program.child.stdout?.on('data', (text: string) => {
    stdout += text;
  });
  const closed = once(program.child, 'close');
  const timer = new AbortController();
  const isOver = await Promise.race([
    closed.then(() => true),
    program.exited.then((code) => (code === -1 ? true : closed.then(() => true))),
    sleep(timeoutMs, false, { signal: timer.signal }),
  ]);
  timer.abort();
  if (!isOver) throw new Error(`${command} was not done after ${timeoutMs} ms:\n${program.tail()}`);
  const code = await program.exited;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${program.tail()}`);
  return stdout;
}

function splitLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}
