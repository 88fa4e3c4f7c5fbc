import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT, runTool, say } from './project.mjs';
import { packageFolders } from './setup/dependencies.mjs';
import { toolEnvironment } from './setup/node-toolchain.mjs';
import { runCommand } from './setup/run-command.mjs';
import { setUpTests } from './setup/tests.mjs';
import { formatCounts } from './verify/count-tests.mjs';
import { runTests } from './verify/run-tests.mjs';

/** `npm run check`, and CI: lint, types, dead code and all tests. Every step runs, so that one run shows all that is wrong. */
await runTool(async () => {
  const nodePath = await setUpTests();
  const failures = [];
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
  const counts = await runTests(nodePath, []);
  if (counts.failed > 0 || counts.passed === 0) failures.push('tests');
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
