import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WORKER_NODE_FLAGS } from '@lodestream/shared';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('pass-buffers.ts', import.meta.url));
const TIMEOUT_MS = 60_000;

function countCollections(how: 'tuned' | 'as it is'): number {
  const args = [...WORKER_NODE_FLAGS, '--no-warnings', SCRIPT, how];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: TIMEOUT_MS })).collections;
}

it('bytes that pass through are no reason to collect the whole heap, in a process that runs already', () => {
  const before = countCollections('as it is');
  expect(before).toBeGreaterThan(10);
  expect(countCollections('tuned')).toBeLessThan(before / 2);
});
