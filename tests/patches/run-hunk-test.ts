import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NamedTest } from './hunk-tests.ts';
import { type PatchedHunk, ROOT, removeHunk } from './packages.ts';

const HOOK = pathToFileURL(join(import.meta.dirname, 'replace-files.mjs'));
/** A process that hangs for want of a hunk fails its test by silence, long before this. */
const TEST_TIMEOUT_MS = 60_000;
const RUN_TIMEOUT_MS = 240_000;

export type Outcome = 'passed' | 'failed' | 'nothing ran';

/** Runs the test with its downloaders as they are installed, or with one hunk of a patch taken away. */
export async function runHunkTest([file, title]: NamedTest, without: PatchedHunk | null): Promise<Outcome> {
  const dir = await mkdtemp(join(tmpdir(), 'hunk-'));
  try {
    const replaced: Record<string, string> = {};
    if (without) {
      const { path, text } = removeHunk(without);
      replaced[path] = join(dir, 'file.js');
      await writeFile(replaced[path], text);
    }
    const mapFile = join(dir, 'map.json');
    await writeFile(mapFile, JSON.stringify(replaced));
    const report = join(dir, 'report.json');
    const path = file.startsWith('../') ? file.slice(3) : `hostile/${file}`;
    const args = ['run', '--project', 'downloader:programs', path, '-t', title, `--testTimeout=${TEST_TIMEOUT_MS}`];
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const child = spawn(process.execPath, [vitest, ...args, '--reporter=json', `--outputFile=${report}`], {
      cwd: ROOT,
      stdio: 'ignore',
      env: { ...process.env, LODESTREAM_DOWNLOADER_NODE_OPTIONS: `--import=${HOOK}?map=${encodeURIComponent(mapFile)}` },
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), RUN_TIMEOUT_MS);
    await once(child, 'exit');
    clearTimeout(timer);
    return readOutcome(await readFile(report, 'utf8').catch(() => '{}'));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function readOutcome(report: string): Outcome {
  const { numFailedTests = 0, numPassedTests = 0 } = JSON.parse(report) as Record<string, number>;
  if (numFailedTests > 0) return 'failed';
  return numPassedTests > 0 ? 'passed' : 'nothing ran';
}
