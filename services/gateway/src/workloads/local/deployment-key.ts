import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const KEY_BYTES = 32;

/**
 * The key of this deployment. It lies 0600 in the data directory, so that a gateway restarted after a crash knows the
 * tokens of the downloaders that it adopts.
 */
export function openDeploymentKey(dataDir: string): Buffer {
  const file = join(dataDir, 'key');
  try {
    const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
    if (key.length === KEY_BYTES) return key;
  } catch {
    // No key yet: the first start.
  }
  const key = randomBytes(KEY_BYTES);
  rmSync(file, { force: true });
  writeFileSync(file, key.toString('hex'), { mode: 0o600, flag: 'wx' });
  return key;
}

export function removeDeploymentKey(dataDir: string): void {
  rmSync(join(dataDir, 'key'), { force: true });
}
