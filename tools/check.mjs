import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ensureClusterPrograms } from './cluster/build.mjs';
import { ROOT, runTool, SetupError, say } from './project.mjs';
import { packageFolders } from './setup/dependencies.mjs';
import { toolEnvironment } from './setup/node-toolchain.mjs';
import { runCommand } from './setup/run-command.mjs';
import { setUpTests } from './setup/tests.mjs';
import { formatCounts, sumCounts } from './verify/count-tests.mjs';
import { runClusterTests } from './verify/run-cluster-tests.mjs';
import { runTests } from './verify/run-tests.mjs';

/** `npm run check`, and CI: lint, types, dead code and all tests, here and on a cluster. Every step runs, so that one run shows all that is wrong. */
await runTool(async () => {
  const nodePath = await setUpTests();
  const failures = [];
  // Ten minutes on a machine that never had it. Whether it fails is said where it is needed.
  const built = ensureClusterPrograms().catch(() => {});
  const step = async (name, dir, shellCommand) => {
    const startedAt = performance.now();
    const code = await runCommand('sh', ['-c', shellCommand], { cwd: join(ROOT, dir), env: packageEnvironment(nodePath, dir) });
    if (code !== 0) failures.push(name);
    say(`${code === 0 ? 'ok' : 'FAILED'} ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  };
  await step('lint', '', 'biome ci .');
  for (const dir of packageFolders()) {
    const types = JSON.parse(readFileSync(join(ROOT, dir, 'package.json'), 'utf8')).scripts?.types;
    if (dir !== '' && types) await step(`types of ${dir}`, dir, types);
  }
  await step('dead code and dependencies', '', 'knip');
  const here = await runTests(nodePath, []);
  if (here.failed > 0 || here.passed === 0) failures.push('tests');
  await built;
  const there = await runClusterTests(nodePath).catch((error) => {
    say(error instanceof SetupError ? error.message : error.stack);
    return { passed: 0, failed: 1, skipped: 0 };
  });
  if (there.failed > 0 || there.passed === 0) failures.push('tests on a cluster');
  const counts = sumCounts(here, there);
  if (failures.length > 0) say(`FAILED: ${failures.join(', ')}`);
  process.stdout.write(`${formatCounts(counts)}\n`);
  return failures.length === 0 ? 0 : 1;
});

/** A package's own programs come first, as in its scripts: web has another TypeScript than the rest. */
function packageEnvironment(nodePath, dir) {
  const env = toolEnvironment(nodePath);
  const bins = [join(ROOT, dir, 'node_modules', '.bin'), join(ROOT, 'node_modules', '.bin')];
  return { ...env, PATH: [...bins, env.PATH].join(delimiter) };
}
