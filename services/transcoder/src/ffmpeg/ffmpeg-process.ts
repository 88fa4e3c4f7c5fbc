/**
 * One ffmpeg process, from spawn to exit; the only import of fluent-ffmpeg (it is archived: leaving it is this file).
 *
 * - Its argv is exactly `flattenCommand(line)`.
 * - It is ended by SIGKILL only: SIGTERM makes ffmpeg finish and rename the half-written part (hls.md §7).
 * - It dies with this process, also while stopped (bin/contained-ffmpeg).
 */
import type { ChildProcess } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import ffmpeg from 'fluent-ffmpeg';
import type { FfmpegCommandLine } from './ffmpeg-args.ts';

const CONTAINED_FFMPEG = fileURLToPath(new URL('../../bin/contained-ffmpeg', import.meta.url));
/** Enough for the reason of a failure; a damaged film warns for hours. */
const STDERR_TAIL_CHARACTERS = 4096;
/** fluent-ffmpeg's own copy of the output, which we do not read; 0 would mean no limit. */
const FLUENT_LINES = 1;
/** A tenth of the share of one that does not yield (sched(7)): enough for sound, of which a second takes 25 ms. */
const YIELDING_PRIORITY = 10;

export type FfmpegExit = { code: number | null; signal: NodeJS.Signals | null };

export type FfmpegProcess = {
  pid: number;
  exited: Promise<FfmpegExit>;
  /** SIGKILL; nothing when it has ended. */
  kill(): void;
  /** SIGSTOP: no CPU from now on. */
  sleep(): void;
  /** SIGCONT. */
  wake(): void;
  /** From now on it takes the CPU only when others leave it; for good. */
  yieldCpu(): void;
  stderrTail(): string;
};

/** Starts ffmpeg in `cwd`. Rejects when it cannot be spawned. */
export function startFfmpeg(line: FfmpegCommandLine, cwd: string): Promise<FfmpegProcess> {
  const command = buildCommand(line, cwd);
  return new Promise((resolve, reject) => {
    const ended = new Promise<void>((done) => {
      // 'error' also says that we killed it: how it ended is read from the process itself.
      command.once('error', (error: Error) => {
        reject(error);
        done();
      });
      command.once('end', () => done());
    });
    command.once('start', () => {
      const child = command.ffmpegProc;
      if (child?.pid === undefined) return reject(new Error('ffmpeg was not spawned'));
      resolve(watchProcess(child, child.pid, ended));
    });
    command.run();
  });
}

/** fluent-ffmpeg's command for the line. Options are passed one by one: it splits a single string at its space. */
export function buildCommand(line: FfmpegCommandLine, cwd: string) {
  const command = ffmpeg({ cwd, stdoutLines: FLUENT_LINES })
    .setFfmpegPath(CONTAINED_FFMPEG)
    .input(line.source)
    .inputOptions(...line.inputOptions)
    .output(line.target)
    .outputOptions(...line.outputOptions);
  // It would run ffmpeg up to three times before the first start to ask for formats and encoders (150–320 ms).
  command._checkCapabilities = (callback) => callback();
  command.availableEncoders = (callback) => callback(null, {});
  return command;
}

function watchProcess(child: ChildProcess, pid: number, ended: Promise<void>): FfmpegProcess {
  let tail = '';
  let isRunning = true;
  let isYielding = false;
  child.stderr?.on('data', (text: string | Buffer) => {
    tail = (tail + String(text)).slice(-STDERR_TAIL_CHARACTERS);
  });
  let exit: FfmpegExit = { code: null, signal: null };
  child.once('exit', (code, signal) => {
    isRunning = false;
    exit = { code, signal };
  });
  const send = (signal: NodeJS.Signals) => {
    if (isRunning) child.kill(signal);
  };
  return {
    pid,
    exited: ended.then(() => exit),
    kill: () => send('SIGKILL'),
    sleep: () => send('SIGSTOP'),
    wake: () => send('SIGCONT'),
    yieldCpu() {
      if (!isRunning || isYielding) return;
      isYielding = true;
      try {
        setPriority(pid, YIELDING_PRIORITY);
      } catch {
        // It has just ended, or the platform forbids it: what it makes is the same.
      }
    },
    stderrTail: () => tail.trim(),
  };
}
