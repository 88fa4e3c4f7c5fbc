import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cachedSegments } from './cached-segments.ts';
import { downloaderFirst } from './downloader-first.ts';
import { downloaderLine } from './downloader-line.ts';
import { downloaderMemory } from './downloader-memory.ts';
import { downloaderRate } from './downloader-rate.ts';
import { farSeek } from './far-seek.ts';
import { firstFrame } from './first-frame.ts';
import { hundredViewers } from './hundred-viewers.ts';
import { readConditions } from './measure/conditions.ts';
import { formatReport, formatRows, keepHandwritten } from './measure/report.ts';
import type { Measure, MeasureResult } from './measure/result.ts';
import { sleepingRun } from './sleeping-run.ts';
import { wholeFilm } from './whole-film.ts';

/** In the order of the table. */
const MEASURES: readonly Measure[] = [
  firstFrame,
  farSeek,
  wholeFilm,
  cachedSegments,
  hundredViewers,
  sleepingRun,
  downloaderMemory,
  downloaderRate,
  downloaderLine,
  downloaderFirst,
];
const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));

const { values } = parseArgs({
  options: { only: { type: 'string' }, quick: { type: 'boolean', default: false }, output: { type: 'string' } },
});
const wanted = values.only?.split(',');
const unknown = wanted?.filter((name) => !MEASURES.some((measure) => measure.name === name)) ?? [];
if (unknown.length > 0) {
  process.stderr.write(`no such measure: ${unknown.join(', ')}; there are ${MEASURES.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}

const results: MeasureResult[] = [];
const failed: string[] = [];
for (const measure of MEASURES.filter(({ name }) => wanted?.includes(name) ?? true)) {
  process.stderr.write(`bench: ${measure.name}\n`);
  try {
    const result = await measure.run({ isQuick: values.quick });
    process.stderr.write(`${formatRows(result.ratios).join('\n')}\n`);
    results.push(result);
  } catch (error) {
    // The others take half an hour, and are worth having all the same.
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    failed.push(measure.name);
  }
}
const report = formatReport(results, await readConditions());
process.stdout.write(`${report}\n`);
if (failed.length > 0) {
  process.stderr.write(`bench: failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
} else if (!wanted && !values.quick) {
  // Only the whole is a page: a part of it, or a hasty look, would stand beside figures of another day.
  await writeFile(PAGE, report + keepHandwritten(await readFile(PAGE, 'utf8')));
}
