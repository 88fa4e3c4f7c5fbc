import { expect, it } from 'vitest';
import { HUNK_TESTS } from './patches/hunk-tests.ts';
import { listHunks } from './patches/packages.ts';
import { changedText, readPatch, withoutHunk } from './patches/read-patch.ts';
import { runHunkTest } from './patches/run-hunk-test.ts';

const PATCH = `diff --git a/x.js b/x.js
index 1..2 100644
--- a/x.js
+++ b/x.js
@@ -1,3 +1,4 @@
 one
-two
+2
+3
 four
@@ -8,2 +9,1 @@ function f () {
 eight
-nine
`;

it('a hunk is read, and taken away again', () => {
  const hunks = readPatch(PATCH);
  expect(hunks.map(changedText)).toEqual(['2\n3\n-two', '-nine']);
  const [first, second] = hunks;
  const patched = 'one\n2\n3\nfour\n5\n6\n7\n8\neight\n';
  expect(first && withoutHunk(patched, first)).toBe('one\ntwo\nfour\n5\n6\n7\n8\neight\n');
  expect(second && withoutHunk(patched, second)).toBe('one\n2\n3\nfour\n5\n6\n7\n8\neight\nnine\n');
  expect(first && withoutHunk('another file', first)).toBeUndefined();
});

it('every hunk of the patches has one test that dies without it, and every such test has a hunk', () => {
  const hunks = listHunks();
  const matches = (row: (typeof HUNK_TESTS)[number], hunk: (typeof hunks)[number]) =>
    row.patch === hunk.patch && row.file === hunk.file && row.marker.test(hunk.changes);
  for (const hunk of hunks) {
    const rows = HUNK_TESTS.filter((row) => matches(row, hunk));
    expect([hunk.patch, hunk.file, hunk.changes, rows.length]).toEqual([hunk.patch, hunk.file, hunk.changes, 1]);
  }
  for (const row of HUNK_TESTS)
    expect([String(row.marker), hunks.filter((hunk) => matches(row, hunk)).length]).toEqual([String(row.marker), 1]);
});

// All of them: npm run test:patches.
it.each([/bad string length/, /destroying the wire/, /this piece is not here/])('without %s its test dies', async (marker) => {
  const hunk = listHunks().find((each) => marker.test(each.changes) && !each.patch.startsWith('bencode@2'));
  const row = HUNK_TESTS.find((each) => hunk && each.patch === hunk.patch && each.marker.test(hunk.changes));
  expect(row && hunk && (await runHunkTest(row.test, hunk))).toBe('failed');
});
