/**
 * Counts a vitest run from its JSON report. A file that could not be loaded, and a run that failed beside its tests
 * (an unhandled error), count as one failed test each: nothing that went wrong may look like a pass.
 */
export function countTests(report, exitCode) {
  const results = report?.testResults ?? [];
  const tests = results.flatMap((file) => file.assertionResults);
  const count = (...states) => tests.filter((test) => states.includes(test.status)).length;
  const brokenFiles = results.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = count('failed') + brokenFiles.length;
  return {
    passed: count('passed'),
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: count('skipped', 'pending', 'todo', 'disabled'),
    files: results.map((file) => file.name),
    skippedNames: tests
      .filter((test) => ['skipped', 'pending', 'todo', 'disabled'].includes(test.status))
      .map((test) => test.fullName),
  };
}

/** Of two runs. */
export function sumCounts(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** The line that a machine reads: always the last one. */
export function formatCounts({ passed, failed, skipped }) {
  return `tests: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
