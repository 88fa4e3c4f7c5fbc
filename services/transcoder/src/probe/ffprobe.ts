import { spawn } from 'node:child_process';
import { createProgressClock } from '../run/progress-clock.ts';

/** A bomb of a picture ends here and not at the machine's limit (security.md §6.5); an 8K HEVC stream probes in less. */
const MAX_MEMORY_BYTES = 1024 ** 3;
/** JSON of 100 streams with tags, or of the packets of the last seconds. */
const MAX_OUTPUT_BYTES = 32 * 1024 ** 2;
/** Silence with unread bytes: ffprobe hangs in a damaged file (security.md §6.5). */
const MAX_SILENCE_MS = 20_000;
const CHECK_MS = 250;
const STDERR_TAIL_CHARACTERS = 2000;

export type FfprobeWatch = {
  /** Bytes that it has read of its source so far. */
  bytesRead(): number;
  /** True while it waits for bytes that are not here yet: that has no deadline. */
  isStarved(): boolean;
  /** It may read so many more bytes; beyond them it is ended. */
  maxBytes: number;
};

export class FfprobeFailed extends Error {
  override readonly name = 'FfprobeFailed';
}

/** Runs ffprobe and parses its JSON. Rejects with `FfprobeFailed` when it fails, hangs or reads too much. */
export function runFfprobe(args: readonly string[], watch: FfprobeWatch, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const limits = [`--as=${MAX_MEMORY_BYTES}`, '--core=0', '--fsize=0', '--nofile=256'];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'prlimit', ...limits, 'ffprobe', ...args], {
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    const chunks: Buffer[] = [];
    let outputBytes = 0;
    let tail = '';
    let killedFor: string | undefined;
    const kill = (reason: string) => {
      killedFor ??= reason;
      child.kill('SIGKILL');
    };
    child.stdout.on('data', (chunk: Buffer) => {
      outputBytes += chunk.length;
      if (outputBytes > MAX_OUTPUT_BYTES) kill('it says too much');
      else chunks.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString('latin1')).slice(-STDERR_TAIL_CHARACTERS);
    });
    const firstByte = watch.bytesRead();
    const clock = createProgressClock(performance.now());
    const checking = setInterval(() => {
      const read = watch.bytesRead();
      if (read - firstByte > watch.maxBytes) kill('it reads too much');
      if (clock.observe({ progress: read, isExcused: watch.isStarved() }, performance.now()) > MAX_SILENCE_MS)
        kill('it makes no progress');
    }, CHECK_MS);
    child.once('error', (error) => {
      clearInterval(checking);
      reject(signal.aborted ? signal.reason : error);
    });
    child.once('close', (code, killSignal) => {
      clearInterval(checking);
      if (signal.aborted) return reject(signal.reason);
      if (killedFor || code !== 0) return reject(new FfprobeFailed(killedFor ?? `${killSignal ?? code}: ${tail.trim()}`));
      try {
        resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      } catch (error) {
        reject(new FfprobeFailed('its answer is unreadable', { cause: error }));
      }
    });
  });
}
