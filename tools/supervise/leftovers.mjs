import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Workers carry the place of their files in their environment (packages/service-kit, load-config.ts). */
const MARK = 'LODESTREAM_WORK_DIR=';

/**
 * What a gateway that had to be killed leaves: downloaders, which are detached so that they outlive a crash, and the folders
 * of workloads. A gateway that stops by itself leaves neither. Nothing else in the data directory is touched.
 */
export async function removeLeftovers(dataDir) {
  const workloadsDir = join(resolve(dataDir), 'workloads');
  for (const pid of findWorkers(workloadsDir)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // ESRCH: it went by itself meanwhile.
    }
  }
  // A killed worker may be ending a write: rm tries again for half a second.
  await rm(workloadsDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  await rm(join(resolve(dataDir), 'key'), { force: true });
}

function findWorkers(workloadsDir) {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        return variables.some((one) => one.startsWith(`${MARK}${workloadsDir}/`));
      } catch {
        return false;
      }
    })
    .map(Number);
}
