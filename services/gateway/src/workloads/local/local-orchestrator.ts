import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@lodestream/service-kit';
import type { CallHome } from '@lodestream/shared';
import { type CrashLadder, LOCAL_LADDER, planRestart } from '../crash-ladder.ts';
import type { Orchestrator } from '../orchestrator.ts';
import { isAlive, isReady, type Workload } from '../workload.ts';
import { logId, workloadToken } from '../workload-name.ts';
import { createWorkloadTable, newTableEntry, type TableEntry } from '../workload-table.ts';
import { buildChildCommand } from './child-command.ts';
import { type ChildExit, spawnChild } from './child-process.ts';
import { memoryLimitBytes } from './process-memory.ts';
import { findProcess, isRunning, killProcess, type ProcessId } from './process-table.ts';
import { createStandby } from './standby.ts';
import { createWatchdog } from './watchdog.ts';
import { createWorkloadFolder, listWorkloadFolders, openWorkloadFolder } from './workload-folder.ts';

/**
 * Workloads as child processes of this machine. Stages of one: starting → ready → (crash) restarting → … → failed | ended.
 *
 * L1. An entry has at most one live process: whatever ends a process goes through `onGone`.
 * L2. A folder goes when its workload ends; after a crash it stays for the next process (pieces are not fetched twice).
 * L3. A gateway that starts adopts the downloaders it finds alive, and kills every transcoder and probe.
 */
export type LocalOptions = {
  dataDir: string;
  key: Buffer;
  callHomeUrl: string;
  logger: Logger;
  logLevel: string;
  ladder?: CrashLadder;
  /** Processes wait for jobs for so long after a visit; undefined: none do. */
  standbySeconds?: number;
  /** Bytes that a worker may have; undefined: no limit. */
  memoryLimit?: typeof memoryLimitBytes;
};

type Entry = TableEntry & { process: ProcessId | undefined };

/** A worker loads in half a second; on a machine that everybody uses at once it takes many times that. */
const SLOW_START_MS = 60_000;
const LOOPBACK = '127.0.0.1';

export function createLocalOrchestrator(options: LocalOptions): Orchestrator {
  const { key, logger, ladder = LOCAL_LADDER } = options;
  const root = join(options.dataDir, 'workloads');
  const path = process.env['PATH'] ?? '/usr/bin:/bin';
  mkdirSync(root, { recursive: true, mode: 0o700 });
  let isClosed = false;

  const start = (entry: Entry) => {
    const { spec } = entry.workload;
    logger.debug({ kind: spec.kind, workload: logId(key, spec.name), phase: 'starting' }, 'workload');
    const port = entry.workload.address?.port ?? 0;
    const folder = createWorkloadFolder(root, spec);
    const place = {
      ...folder,
      token: workloadToken(key, spec.name),
      callHomeUrl: options.callHomeUrl,
      port,
      logLevel: options.logLevel,
    };
    const command = buildChildCommand(spec, place, process.execPath, path);
    const uid = entry.workload.uid;
    entry.startedAtMs = performance.now();
    entry.timer = setTimeout(() => {
      // Neither called home nor exited: it hangs at its start.
      if (entry.workload.uid === uid && entry.workload.phase === 'starting' && entry.process) killProcess(entry.process);
    }, SLOW_START_MS).unref();
    const onExit = (exit: ChildExit) => onGone(entry, uid, exit);
    entry.process = standby?.begin(spec.kind, command, folder.logFile, onExit) ?? spawnChild(command, folder.logFile, onExit);
    if (entry.process) folder.writeRecord({ ...entry.process, name: spec.name, uid, port, startedAt: entry.workload.startedAt });
  };

  /** L1: the one place where a process's end is handled. */
  const onGone = (entry: Entry, uid: string, exit: ChildExit) => {
    if (entry.workload.uid !== uid || isClosed) return;
    clearTimeout(entry.timer);
    entry.process = undefined;
    const { name } = entry.workload;
    const folder = openWorkloadFolder(root, name);
    if (exit.code === 0) return table.forget(entry);
    logger.warn({ workload: logId(key, name), ...exit, tail: folder.readLogTail().slice(-800) }, 'workload crashed');
    table.crash(entry);
  };

  const table = createWorkloadTable<Entry>({
    key,
    logger,
    ladder,
    restart: start,
    discard: (entry) => openWorkloadFolder(root, entry.workload.name).remove(),
  });

  const adopt = (name: string) => {
    const folder = openWorkloadFolder(root, name);
    const found = folder.readRecord();
    const child = found && { pid: found.record.pid, startTicks: found.record.startTicks };
    if (!found || !child || !isRunning(child)) return folder.remove();
    if (found.spec.kind !== 'downloader' || found.record.port === 0) {
      killProcess(child);
      return folder.remove();
    }
    const { uid, port, startedAt } = found.record;
    const address = { host: LOOPBACK, port };
    table.put({
      workload: { name, uid, phase: 'ready', address, spec: found.spec, problem: undefined, startedAt },
      process: child,
      crashesAtMs: [],
      startedAtMs: performance.now(),
      timer: undefined,
    });
    logger.info({ workload: logId(key, name) }, 'adopted');
  };

  const kill = ({ name }: Workload, target: ProcessId, reason: string) => {
    logger.warn({ workload: logId(key, name), reason }, 'killing a workload');
    killProcess(target);
  };

  for (const name of listWorkloadFolders(root)) adopt(name);

  const standby =
    options.standbySeconds === undefined
      ? undefined
      : createStandby({ root, ttlSeconds: options.standbySeconds, execPath: process.execPath, path });

  const watchdog = createWatchdog({
    tokenOf: (name) => workloadToken(key, name),
    targets: () =>
      table
        .entries()
        .flatMap((entry) =>
          isReady(entry.workload) && entry.process ? [{ workload: entry.workload, process: entry.process }] : [],
        ),
    // An adopted child is nobody's child here: its end is seen by looking, and whether it expired by how long it had been idle.
    onGone: (workload, idleSeconds) => {
      const entry = table.entry(workload.name);
      if (entry?.workload.uid !== workload.uid || !entry.process || isRunning(entry.process)) return;
      const hasExpired = idleSeconds >= workload.spec.ttlSeconds;
      onGone(entry, workload.uid, hasExpired ? { code: 0, signal: null } : { code: null, signal: 'gone' });
    },
    memoryLimit: ({ spec }) => (options.memoryLimit ?? memoryLimitBytes)(spec.kind),
    onSilent: (workload, target) => kill(workload, target, 'it is silent'),
    onOversized: (workload, target) => kill(workload, target, 'it has too much memory'),
  });

  const orchestrator: Orchestrator = {
    ensure(spec) {
      const existing = table.entry(spec.name);
      if (existing && (isAlive(existing.workload) || existing.workload.phase === 'failed')) return existing.workload;
      const crashesAtMs = existing?.crashesAtMs ?? [];
      const entry: Entry = { ...newTableEntry(spec, crashesAtMs), process: undefined };
      clearTimeout(existing?.timer);
      table.put(entry);
      const plan = planRestart(ladder, entry.crashesAtMs, performance.now());
      const waitMs = plan.do === 'restart' ? plan.atMs - performance.now() : 0;
      if (entry.crashesAtMs.length > 0 && waitMs > 0) entry.timer = setTimeout(() => start(entry), waitMs).unref();
      else start(entry);
      return entry.workload;
    },

    whenReady: table.whenReady,
    // All that there is, is known: no other gateway has this machine's data directory.
    made: async () => {},
    lookFor: async () => {},
    expect: () => standby?.expect(),
    get: (name) => table.entry(name)?.workload,
    list: table.list,
    watch: table.watch,

    async remove(name, uid) {
      const entry = table.entry(name);
      if (!entry || entry.workload.uid !== uid) return;
      if (entry.process) killProcess(entry.process);
      entry.process = undefined;
      table.forget(entry);
      // The exit of the killed process finds another uid, and is nothing to anybody.
      entry.workload = { ...entry.workload, uid: randomUUID() };
    },

    /** Whatever address it names, a child process is on this machine. */
    callHome({ name, port }: CallHome, token) {
      const entry = table.entry(name);
      if (token !== workloadToken(key, name)) return false;
      // Late words of a process that has ended must not stand for the next one.
      if (!entry?.process || (entry.workload.phase !== 'starting' && entry.workload.phase !== 'ready')) return false;
      clearTimeout(entry.timer);
      openWorkloadFolder(root, name).writeRecord({
        ...entry.process,
        name,
        uid: entry.workload.uid,
        port,
        startedAt: entry.workload.startedAt,
      });
      table.update(entry, { phase: 'ready', address: { host: LOOPBACK, port } });
      return true;
    },

    // A child gets its spec as a file, however large, and reserves nothing.
    specOf: () => undefined,
    setAsleep() {},
    tokenOf: (name) => workloadToken(key, name),

    async [Symbol.asyncDispose]() {
      isClosed = true;
      standby?.[Symbol.dispose]();
      watchdog[Symbol.dispose]();
      const running = table.entries().flatMap((entry) => (entry.process ? [entry.process] : []));
      for (const target of running) killProcess(target);
      table.clear();
      await allGone(running);
      rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };

  return orchestrator;
}

const GONE_TIMEOUT_MS = 3000;
const GONE_POLL_MS = 20;

/** SIGKILL is certain but not at once: a folder is removed only after its writer is gone. */
async function allGone(processes: ProcessId[]): Promise<void> {
  const deadline = performance.now() + GONE_TIMEOUT_MS;
  while (processes.some((target) => findProcess(target.pid) && isRunning(target)) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, GONE_POLL_MS));
}
