/** One line of the table: what was measured, against what, and what was wanted. */
export type Ratio = {
  measure: string;
  ours: string;
  floor: string;
  /** The figure that has a target. */
  ratio: number | string;
  target: string;
  /** null: it is reported only. */
  isMet: boolean | null;
};

/** Where the time goes: marks in order, in milliseconds since the start. */
export type Breakdown = { title: string; marks: { what: string; atMs: number }[] };

export type MeasureResult = { ratios: Ratio[]; breakdowns?: Breakdown[] };

/** How thorough: `quick` is for a look while working. */
export type Effort = { isQuick: boolean };

/** A measure by its name; it brings its own gateway, seeder and browser, and leaves nothing. */
export type Measure = { name: string; run(effort: Effort): Promise<MeasureResult> };

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
export const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`;
