import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pickFreePort } from '../processes/loopback.ts';
import {
  descendants,
  listProcesses,
  type ProcessInfo,
  processesInDirectory,
  processesWithEnvironment,
} from '../processes/process-tree.ts';
import { type RunningProcess, startProcess } from '../processes/start-process.ts';
import { makeTempDir } from '../processes/temp-dir.ts';
import { waitFor } from '../processes/wait-for.ts';

const ENTRY = fileURLToPath(new URL('../../../../services/gateway/src/main.ts', import.meta.url));
const COMPILE_CACHE = fileURLToPath(new URL('../../../../.cache/compiled', import.meta.url));
const READY_TIMEOUT_MS = 20_000;
/** A gateway gives its workers a moment to leave their swarms. */
const STOP_TIMEOUT_MS = 10_000;
/** Workers that were killed need a moment until the kernel has them off its table. */
const GONE_TIMEOUT_MS = 2000;

/** How tests want it: no packet leaves the machine, and swarms on loopback are allowed. */
const TEST_SETTINGS = {
  LODESTREAM_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
  LODESTREAM_DHT: 'false',
  LODESTREAM_DHT_BOOTSTRAP: '',
  LODESTREAM_TRACKERS: '',
};

export type GatewayOptions = {
  /** `LODESTREAM_*` settings on top of the tests' own. */
  settings?: Record<string, string>;
  /** An existing data directory, for a second gateway after a crash. It is not removed. */
  dataDir?: string;
  /** The script that is started in place of the gateway itself: one that supervises it. */
  entry?: string;
};

export type TestGateway = AsyncDisposable & {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly baseUrl: string;
  readonly internalUrl: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly process: RunningProcess;
  /** The end of its log: JSON lines. */
  tail(): string;
  /** Every process of this deployment now: children, and detached downloaders. Zombies are left out. */
  workers(): ProcessInfo[];
  /** Files below the data directory, relative. */
  files(): Promise<string[]>;
  /** SIGKILL, as a crash; downloaders live on. */
  crash(): Promise<void>;
  /** SIGTERM; then asserts that no process and no file is left. */
  stop(): Promise<void>;
};

/**
 * Starts the real gateway with the local orchestrator on free ports and waits until it is ready. Disposing stops it politely
 * and fails the test when it leaves a process or a file behind.
 */
export async function startGateway({ settings = {}, dataDir, entry = ENTRY }: GatewayOptions = {}): Promise<TestGateway> {
  const dir = dataDir === undefined ? await makeTempDir('data') : undefined;
  const path = dataDir ?? dir?.path ?? '';
  const [port, internalPort] = [await pickFreePort(), await pickFreePort()];
  const gateway = startProcess(process.execPath, [entry], {
    env: {
      ...withoutSettings(process.env),
      // As `npm start` has it: without it every worker compiles its code anew.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? COMPILE_CACHE,
      ...TEST_SETTINGS,
      LODESTREAM_PORT: String(port),
      LODESTREAM_INTERNAL_PORT: String(internalPort),
      LODESTREAM_DATA_DIR: path,
      ...settings,
    },
  });
  const baseUrl = `http://127.0.0.1:${port}`;
  const workers = () => {
    const own = descendants(gateway.pid);
    const detached = processesWithEnvironment('LODESTREAM_WORK_DIR', join(path, ''));
    const grown = detached.flatMap((one) => [one, ...descendants(one.pid)]);
    // ffmpeg has neither our environment nor, after an accident, a parent of ours: it is known by where it works.
    const working = processesInDirectory(path);
    return [...new Map([...own, ...grown, ...working].map((one) => [one.pid, one])).values()].filter((one) => one.state !== 'Z');
  };
  const files = async () => (existsSync(path) ? await readdir(path, { recursive: true }) : []);
  let isStopped = false;
  const killAll = async () => {
    const left = workers();
    await gateway.stop();
    // A directory of the caller's may have a second gateway by now, and these workers are its own.
    if (dir) for (const { pid } of [...left, ...workers()]) killQuietly(pid);
    await dir?.[Symbol.asyncDispose]();
  };
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    // Whoever crashed could not clean up; what it left is for the next gateway on the same directory, or goes now.
    if (gateway.hasExited()) return await killAll();
    const before = workers();
    try {
      gateway.child.kill('SIGTERM');
      await waitFor(() => gateway.hasExited(), { what: 'the gateway has stopped', timeoutMs: STOP_TIMEOUT_MS });
      await assertNothingLeft({ before, workers, files, tail: gateway.tail });
    } finally {
      await killAll();
    }
  };
  try {
    await waitFor(
      async () => {
        if (gateway.hasExited()) return 'exited';
        return (await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(2000) })).ok && 'ready';
      },
      { what: 'the gateway is ready', timeoutMs: READY_TIMEOUT_MS },
    );
    if (gateway.hasExited()) throw new Error(`the gateway ended with ${await gateway.exited}`);
  } catch (error) {
    await killAll();
    throw new Error(`the gateway did not start:\n${gateway.tail()}`, { cause: error });
  }
  return {
    baseUrl,
    internalUrl: `http://127.0.0.1:${internalPort}`,
    pid: gateway.pid,
    dataDir: path,
    process: gateway,
    tail: gateway.tail,
    workers,
    files,
    crash: async () => {
      gateway.child.kill('SIGKILL');
      await gateway.exited;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

type Leftovers = { before: ProcessInfo[]; workers: () => ProcessInfo[]; files: () => Promise<string[]>; tail: () => string };

async function assertNothingLeft({ before, workers, files, tail }: Leftovers): Promise<void> {
  const alive = () => {
    const now = new Map(listProcesses().map((one) => [one.pid, one]));
    const survivors = before.filter((one) => now.get(one.pid)?.command === one.command && now.get(one.pid)?.state !== 'Z');
    return [...survivors, ...workers()];
  };
  await waitFor(() => alive().length === 0, { what: 'no process is left', timeoutMs: GONE_TIMEOUT_MS }).catch(() => {
    const list = alive().map((one) => `  ${one.pid} ${one.command}`);
    throw new Error(`the gateway left processes behind:\n${list.join('\n')}\n${tail().slice(-2000)}`);
  });
  // The empty folder itself is not counted: `npm start` removes it too.
  const left = await files();
  if (left.length > 0) throw new Error(`the gateway left files behind: ${left.join(', ')}\n${tail().slice(-2000)}`);
}

/** Settings of the machine's user must not decide a test. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('LODESTREAM_')));
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: gone already.
  }
}
