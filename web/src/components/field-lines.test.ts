import { expect, it } from 'vitest';
import { buildFieldLines } from './field-lines.ts';

it('every field line goes from pole to pole on a circle through both', () => {
  for (const { path, distance } of buildFieldLines()) {
    const [, radius] = /^M-1 0A([\d.]+) \1 0 [01] [01] 1 0$/.exec(path) ?? [];
    expect(Number(radius)).toBeGreaterThanOrEqual(1);
    expect(distance).toBeGreaterThanOrEqual(0);
    expect(distance).toBeLessThanOrEqual(1);
  }
});
