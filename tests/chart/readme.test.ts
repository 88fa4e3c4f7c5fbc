import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildReadme, README } from '../../tools/chart/readme.mjs';
import { formatValues, readValues } from '../../tools/chart/values-table.mjs';
import { CHART } from './support/render.ts';

describe('the table of values', () => {
  test('a value is told with its path, default and description', () => {
    const text =
      "a:\n  # -- What it is,\n  # in two lines.\n  b: 'x|y'\n  # For readers of the file.\n  c: {}\n# -- All of it.\nd: null\n";
    expect(readValues(text)).toEqual([
      { key: 'a.b', value: "'x|y'", description: 'What it is, in two lines.' },
      { key: 'a.c', value: '{}', description: '' },
      { key: 'd', value: 'null', description: 'All of it.' },
    ]);
  });

  test('a description ends at an empty line', () => {
    expect(readValues('# -- About this file.\n\na: 1\n')).toEqual([{ key: 'a', value: '1', description: '' }]);
  });

  test('a bar does not break its row', () => {
    expect(formatValues([{ key: 'a', value: 'x', description: 'this | that' }])).toContain('| `a` | `x` | this \\| that |');
  });

  test('it has every value of the file', () => {
    const text = readFileSync(join(CHART, 'values.yaml'), 'utf8');
    const leaves = (value: unknown, path: string): string[] =>
      value !== null && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 0
        ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`))
        : [path];
    expect(readValues(text).map(({ key }) => key)).toEqual(expect.arrayContaining(leaves(parse(text), '')));
  });
});

test('the chart’s README is what `npm run chart:docs` writes', () => {
  expect(readFileSync(README, 'utf8')).toBe(buildReadme());
});
