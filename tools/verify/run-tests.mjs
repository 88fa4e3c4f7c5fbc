import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CACHE_DIR, ROOT, say } from '../project.mjs';
import { toolEnvironment } from '../setup/node-toolchain.mjs';
import { runCommand } from '../setup/run-command.mjs';
import { countTests } from './count-tests.mjs';

const REPORT_PATH = join(CACHE_DIR, 'test-report.json');
/** Folders whose tests have a command of their own, or are no tests of ours. */
const NOT_HERE = new Set(['node_modules', 'dist', 'bench', 'cluster', '.cache', '.tools', '.git', 'data']);

/** Runs vitest, until the signal aborts, and gives its counts. Without arguments every test file of the tree must have run. */
export async function runTests(nodePath, args, signal) {
  await mkdir(CACHE_DIR, { recursive: true });
  await rm(REPORT_PATH, { force: true });
  const corpus = findCorpus();
  const env = { ...toolEnvironment(nodePath), ...(corpus ? { LODESTREAM_CORPUS: corpus } : {}) };
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${REPORT_PATH}`];
  const exitCode = await runCommand(nodePath, [vitest, 'run', ...reporters, ...args], { env, stdout: 'stdout', signal });
  const report = JSON.parse(await readFile(REPORT_PATH, 'utf8').catch(() => 'null'));
  const counts = countTests(report, exitCode);
  if (args.length > 0) return counts;

  const ran = new Set(counts.files.map((path) => resolve(path)));
  const forgotten = listTestFiles(ROOT).filter((path) => !ran.has(path));
  for (const path of forgotten) say(`no project of vitest.config.ts runs ${path}`);
  // With the corpus here every test can run, so one that did not is a fault.
  const missed = corpus ? counts.skippedNames : [];
  for (const name of missed) say(`skipped although everything that it needs is here: ${name}`);
  return { ...counts, failed: counts.failed + forgotten.length + missed.length, skipped: counts.skipped - missed.length };
}

/** Real media and torrents that are not part of the repository; required where they are found. */
export function findCorpus() {
  const candidates = [process.env.LODESTREAM_CORPUS, join(ROOT, '..', 'shared', 'corpus')];
  return candidates.find((path) => path && existsSync(join(path, 'MANIFEST.json')));
}

function listTestFiles(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_HERE.has(entry.name)) return [];
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return listTestFiles(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}
