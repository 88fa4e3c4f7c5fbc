import type { Breakdown, MeasureResult, Ratio } from './result.ts';

const INTRODUCTION = `# Performance

Written by \`npm run bench\`; \`npm run bench -- --only first-frame\` runs one measure, \`--quick\` fewer repetitions (neither writes this page).

Every figure is a ratio to a floor that was measured in the same run, in turns with it: bare programs that do the least that must be
done. The seconds beside it belong to this machine; the ratio should hold on any. Figures are medians.`;

/** What follows it is written by hand and stays. */
const HANDWRITTEN = '## What misses its target, and why';

/** The page: one table, the conditions, and where the time goes. Pure. */
export function formatReport(results: readonly MeasureResult[], conditions: readonly string[]): string {
  const ratios = results.flatMap((result) => result.ratios);
  const breakdowns = results.flatMap((result) => result.breakdowns ?? []);
  return [
    INTRODUCTION,
    ['## Conditions', ...conditions.map((line) => `- ${line}`)].join('\n'),
    formatTable(ratios),
    ...(breakdowns.length > 0
      ? ['## Where the time goes\n\nMilliseconds since the click or the seek, medians of each mark.']
      : []),
    ...breakdowns.map(formatBreakdown),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

/** The part of the page that a new measurement does not replace. */
export function keepHandwritten(page: string): string {
  const start = page.indexOf(HANDWRITTEN);
  return start < 0 ? '' : `\n${page.slice(start)}`;
}

/** One line of the table for each. */
export function formatRows(ratios: readonly Ratio[]): string[] {
  return ratios.map(({ measure, ours, floor, ratio, target, isMet }) => {
    const figure = typeof ratio === 'number' ? ratio.toFixed(2) : ratio;
    const verdict = isMet === null ? '' : isMet ? 'met' : '**missed**';
    return `| ${measure} | ${ours} | ${floor} | ${figure} | ${target} | ${verdict} |`;
  });
}

function formatTable(ratios: readonly Ratio[]): string {
  return [
    '## Figures',
    '',
    '| measure | here | floor or peer | ratio | target | |',
    '|---|---|---|---|---|---|',
    ...formatRows(ratios),
  ].join('\n');
}

function formatBreakdown({ title, marks }: Breakdown): string {
  let before = 0;
  const rows = marks.map(({ what, atMs }) => {
    const row = `| ${what} | ${Math.round(atMs)} | ${Math.round(atMs - before)} |`;
    before = atMs;
    return row;
  });
  return [`### ${title}`, '', '| mark | at | after the one before |', '|---|---|---|', ...rows].join('\n');
}
