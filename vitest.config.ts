import { existsSync, readdirSync } from 'node:fs';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

/**
 * Two kinds of tests. Pure ones lie beside their file (`src/**\/x.test.ts`) and run side by side. Those in `test/` and
 * `tests/` start real programs (ffmpeg, BitTorrent clients, Chromium) and run one file at a time: they measure time, and
 * two encoders on two cores would measure each other.
 */
const PURE_TIMEOUT_MS = 10_000;
const PROGRAMS_TIMEOUT_MS = 90_000;
const E2E_TIMEOUT_MS = 240_000;
/** Building five images on a machine that has Debian's packages takes one to two minutes, and fetching those two more. */
const IMAGES_TIMEOUT_MS = 600_000;

const packages = ['packages', 'services'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => existsSync(`${folder}/${name}/package.json`))
    .map((name) => ({ name, root: `${folder}/${name}` })),
);

function pure(name: string, root: string): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      root,
      include: ['src/**/*.test.ts'],
      testTimeout: PURE_TIMEOUT_MS,
      hookTimeout: PURE_TIMEOUT_MS,
      sequence: { groupOrder: 0 },
    },
  };
}

function programs(
  name: string,
  root: string,
  include: string[],
  timeoutMs: number,
  groupOrder: number,
): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      root,
      include,
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      fileParallelism: false,
      maxWorkers: 1,
      sequence: { groupOrder },
    },
  };
}

export default defineConfig({
  test: {
    // A test that hangs in its teardown would hide the others' results.
    teardownTimeout: 20_000,
    projects: [
      ...packages.map(({ name, root }) => pure(name, root)),
      pure('web', 'web'),
      programs('architecture', 'tests', ['*.test.ts'], PROGRAMS_TIMEOUT_MS, 1),
      ...packages.map(({ name, root }) => programs(`${name}:programs`, root, ['test/**/*.test.ts'], PROGRAMS_TIMEOUT_MS, 2)),
      programs('web:programs', 'web', ['test/**/*.test.ts'], PROGRAMS_TIMEOUT_MS, 2),
      programs('tools', 'tests', ['tools/**/*.test.ts'], PROGRAMS_TIMEOUT_MS, 3),
      programs('chart', 'tests', ['chart/**/*.test.ts'], PROGRAMS_TIMEOUT_MS, 3),
      programs('images', 'tests', ['images/**/*.test.ts'], IMAGES_TIMEOUT_MS, 3),
      programs('e2e', 'tests', ['e2e/**/*.test.ts'], E2E_TIMEOUT_MS, 4),
    ],
  },
});
