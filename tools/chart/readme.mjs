import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../project.mjs';
import { formatValues, readValues } from './values-table.mjs';

const CHART = join(ROOT, 'deploy', 'helm', 'lodestream');
export const README = join(CHART, 'README.md');
const MARK = '<!-- values -->';

/** The chart's README as it should be: its own text, and the table of the values file. */
export function buildReadme() {
  const text = readFileSync(join(CHART, 'README.template.md'), 'utf8');
  const table = formatValues(readValues(readFileSync(join(CHART, 'values.yaml'), 'utf8')));
  return text.replace(MARK, () => table.trimEnd());
}
