import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempDir, startProcess } from '@lodestream/testing';
import { expect, test } from 'vitest';
import { removeLeftovers } from '../../tools/supervise/leftovers.mjs';

function startWorker(workDir: string) {
  return startProcess(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)'], {
    env: { ...process.env, LODESTREAM_WORK_DIR: workDir },
  });
}

test('workers of this data directory end with their files; others, and other files, stay', async () => {
  await using dir = await makeTempDir('data');
  await using elsewhere = await makeTempDir('data');
  const workDir = join(dir.path, 'workloads', 'dl-x', 'work');
  await mkdir(workDir, { recursive: true });
  await writeFile(join(workDir, '0.piece'), 'x');
  await writeFile(join(dir.path, 'key'), 'x');
  await writeFile(join(dir.path, 'catalogue.sqlite'), 'x');
  await using worker = startWorker(workDir);
  await using stranger = startWorker(join(elsewhere.path, 'workloads', 'dl-x', 'work'));
  await Promise.all([worker, stranger].map((one) => new Promise((resolve) => one.child.stdout?.once('data', resolve))));

  await removeLeftovers(dir.path);

  expect(await worker.exited).toBeNull();
  expect(stranger.hasExited()).toBe(false);
  expect(await readdir(dir.path)).toEqual(['catalogue.sqlite']);
});

test('a data directory that was never made is no fault', async () => {
  await using dir = await makeTempDir('data');
  await removeLeftovers(join(dir.path, 'nothing'));
  expect(existsSync(join(dir.path, 'nothing'))).toBe(false);
});
