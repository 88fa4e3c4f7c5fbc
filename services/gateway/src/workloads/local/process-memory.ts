import { readFileSync } from 'node:fs';
import type { WorkerSpec } from '@lodestream/shared';
import { DOWNLOADER_HEAP_MIB } from './child-command.ts';
import { isRunning, type ProcessId } from './process-table.ts';

/** Buffers and native memory lie outside of the heap: all of it is so many times the heap's limit (webtorrent.md §8.4). */
const MEMORY_PER_HEAP = 2.5;
const MIB = 1024 * 1024;

/** How much memory a worker may have; undefined: as much as there is. What ffmpeg takes is a process of its own. */
export function memoryLimitBytes(kind: WorkerSpec['kind']): number | undefined {
  return kind === 'downloader' ? DOWNLOADER_HEAP_MIB * MEMORY_PER_HEAP * MIB : undefined;
}

/** Resident memory of a process, in bytes (proc(5), VmRSS); 0 when it is gone. */
export function readMemoryBytes(target: ProcessId): number {
  try {
    if (!isRunning(target)) return 0;
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${target.pid}/status`, 'utf8'));
    return Number(match?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
