import { expect, test } from 'vitest';
import { isFfmpegNewEnough } from '../../tools/setup/programs.mjs';
import { countTests, formatCounts } from '../../tools/verify/count-tests.mjs';

const file = (status: string, ...states: string[]) => ({
  name: `/x/${status}.test.ts`,
  status,
  assertionResults: states.map((state, index) => ({ status: state, fullName: `${state} ${index}` })),
});

test.each([
  ['all passed', [file('passed', 'passed', 'passed')], 0, 'tests: 2 passed, 0 failed'],
  ['one failed', [file('failed', 'passed', 'failed')], 1, 'tests: 1 passed, 1 failed'],
  ['skipped tests are said', [file('passed', 'passed', 'skipped', 'todo')], 0, 'tests: 1 passed, 0 failed, 2 skipped'],
  ['a file that cannot be loaded is a failure', [file('passed', 'passed'), file('failed')], 1, 'tests: 1 passed, 1 failed'],
  ['a run that failed beside its tests is a failure', [file('passed', 'passed')], 1, 'tests: 1 passed, 1 failed'],
])('%s', (_name, testResults, exitCode, line) => {
  expect(formatCounts(countTests({ testResults }, exitCode))).toBe(line);
});

test('a run without a report is a failure', () => {
  expect(formatCounts(countTests(null, 137))).toBe('tests: 0 passed, 1 failed');
});

test.each([
  ['ffmpeg version 5.1.9-0+deb12u1 Copyright', true],
  ['ffmpeg version n7.0.2 Copyright', true],
  ['ffmpeg version 10.0 Copyright', true],
  ['ffmpeg version N-109000-gabcdef Copyright', true],
  ['ffmpeg version 5.0.1 Copyright', false],
  ['ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright', false],
  ['', false],
])('%s: new enough is %s', (text, isEnough) => {
  expect(isFfmpegNewEnough(text)).toBe(isEnough);
});
