import { HUNK_TESTS } from './hunk-tests.ts';
import { listHunks } from './packages.ts';
import { runHunkTest } from './run-hunk-test.ts';

/**
 * `npm run test:patches [-- TEXT]`: takes away one hunk after the other (those whose name has TEXT) and shows that its test
 * dies. Before, each of these tests must pass with all hunks in their places.
 */
const filter = process.argv[2] ?? '';
const say = (line: string) => process.stdout.write(`${line}\n`);
const cases = listHunks().flatMap((hunk) =>
  HUNK_TESTS.filter(({ patch, file, marker }) => patch === hunk.patch && file === hunk.file && marker.test(hunk.changes)).map(
    ({ test }) => ({ name: `${hunk.patch} ${hunk.file}:${hunk.firstLine}`, hunk, test }),
  ),
);
const chosen = cases.filter(({ name, test }) => `${name} ${test.join(' ')}`.includes(filter));

let faults = 0;
const expectOutcome = (what: string, outcome: string, wanted: string, test: readonly string[]) => {
  if (outcome !== wanted) faults += 1;
  say(`${outcome === wanted ? 'ok  ' : 'FAIL'} ${what}: ${outcome} (${test.join(': ')})`);
};
const tests = new Map(chosen.map(({ test }) => [test.join('\n'), test]));
for (const test of tests.values()) expectOutcome('with all hunks', await runHunkTest(test, null), 'passed', test);
for (const { name, hunk, test } of chosen) expectOutcome(`without ${name}`, await runHunkTest(test, hunk), 'failed', test);
say(`${chosen.length} hunks, ${faults} faults`);
process.exit(faults === 0 && chosen.length > 0 ? 0 : 1);
