import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { WorkerSpec } from '@lodestream/shared';
import { z } from 'zod';

/** What is written down of a child process, so that a restarted gateway finds it again. */
const ChildRecord = z.object({
  name: z.string(),
  uid: z.string(),
  pid: z.int(),
  startTicks: z.string(),
  port: z.int(),
  startedAt: z.number(),
});
export type ChildRecord = z.infer<typeof ChildRecord>;

const LOG_TAIL_BYTES = 2000;

/** The folder of one workload: its spec (0600), its record, its log and its own work folder. All of it goes with it. */
export function createWorkloadFolder(root: string, spec: WorkerSpec) {
  const folder = openWorkloadFolder(root, spec.name);
  mkdirSync(folder.workDir, { recursive: true, mode: 0o700 });
  writeFileSync(folder.specFile, JSON.stringify(spec), { mode: 0o600 });
  return folder;
}

export function openWorkloadFolder(root: string, name: string) {
  const dir = join(root, name);
  const recordFile = join(dir, 'record.json');
  const logFile = join(dir, 'log');
  return {
    dir,
    specFile: join(dir, 'spec.json'),
    workDir: join(dir, 'work'),
    logFile,
    writeRecord(record: ChildRecord): void {
      writeFileSync(`${recordFile}.tmp`, JSON.stringify(record), { mode: 0o600 });
      renameSync(`${recordFile}.tmp`, recordFile);
    },
    readRecord(): { record: ChildRecord; spec: WorkerSpec } | undefined {
      try {
        const record = ChildRecord.parse(JSON.parse(readFileSync(recordFile, 'utf8')));
        const spec = WorkerSpec.parse(JSON.parse(readFileSync(join(dir, 'spec.json'), 'utf8')));
        return { record, spec };
      } catch {
        return undefined;
      }
    },
    readLogTail(): string {
      try {
        const fd = openSync(logFile, 'r');
        const size = fstatSync(fd).size;
        const tail = Buffer.alloc(Math.min(LOG_TAIL_BYTES, size));
        readSync(fd, tail, 0, tail.length, size - tail.length);
        closeSync(fd);
        return tail.toString('utf8');
      } catch {
        return '';
      }
    },
    remove(): void {
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

export function listWorkloadFolders(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}
