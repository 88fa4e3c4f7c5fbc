import type { Rational } from '@lodestream/shared';

/** The rates that films, television and phones are made in. */
const USUAL: readonly Rational[] = [
  { num: 24000, den: 1001 },
  { num: 24, den: 1 },
  { num: 25, den: 1 },
  { num: 30000, den: 1001 },
  { num: 30, den: 1 },
  { num: 48, den: 1 },
  { num: 50, den: 1 },
  { num: 60000, den: 1001 },
  { num: 60, den: 1 },
];
/** Where no usual rate fits a variable one: the next of these above it, so that hardly a picture is lost. */
const STEPS: readonly Rational[] = [...[5, 6, 8, 10, 12, 15, 20].map((num) => ({ num, den: 1 })), ...USUAL];

const SNAP = 0.001;
/** Stated and average rate of a constant stream may differ so much: the average is measured over the whole, or a few frames. */
const SAME = 0.02;
/** A phone that averages 30.9 pictures a second films at 30: a few are dropped, instead of half as many made up. */
const NEAR = 0.04;
const MAX_RATE = 60;
const MIN_RATE = 5;
const DEFAULT_RATE: Rational = { num: 25, den: 1 };

const value = (rate: Rational): number => rate.num / rate.den;

/**
 * The constant rate of the output grid, from what ffprobe says (hls.md §2): at most 60, at least 5, snapped to a usual rate.
 * `stated` is r_frame_rate, the lowest rate that fits all timestamps seen: absurd for variable rates, and the field rate of
 * some interlaced streams. `average` is frames over time.
 */
export function pickFrameRate(stated: string | undefined, average: string | undefined): Rational {
  const r = parseRational(stated);
  const avg = parseRational(average) ?? r;
  if (!avg) return DEFAULT_RATE;
  if (r && value(r) <= MAX_RATE && Math.abs(value(avg) / value(r) - 1) < SAME) {
    const constant = snap(r) ?? (isSimple(r) ? r : undefined);
    if (constant) return raise(constant);
  }
  const snapped = snap(avg);
  if (snapped) return snapped;
  if (value(avg) > MAX_RATE) return halve(avg);
  const near = nearest(STEPS, avg);
  if (Math.abs(value(near) / value(avg) - 1) < NEAR) return near;
  return STEPS.find((rate) => value(rate) > value(avg)) ?? { num: MAX_RATE, den: 1 };
}

/** `num/den` with both positive; anything else, as ffprobe's `0/0`, is none. */
export function parseRational(text: string | undefined, separator = '/'): Rational | undefined {
  const [num, den] = (text ?? '').split(separator).map(Number);
  return num && den && num > 0 && den > 0 && Number.isSafeInteger(num) && Number.isSafeInteger(den) ? { num, den } : undefined;
}

function snap(rate: Rational): Rational | undefined {
  const near = nearest(USUAL, rate);
  return Math.abs(value(near) / value(rate) - 1) < SNAP ? near : undefined;
}

function nearest(rates: readonly Rational[], rate: Rational): Rational {
  const distance = (other: Rational) => Math.abs(value(other) / value(rate) - 1);
  return rates.reduce((best, other) => (distance(other) < distance(best) ? other : best));
}

/** Rates that are a grid of their own: 10, 12.5, 15000/1001. */
function isSimple(rate: Rational): boolean {
  return rate.den <= 1001 && rate.num <= 60_000 && (rate.den <= 2 || rate.den === 1001);
}

/** 120 → 60, 119.88 → 59.94, 100 → 50: every second picture, rather than an uneven pick. */
function halve(rate: Rational): Rational {
  for (let divisor = 2; divisor <= 8; divisor++) {
    const part = { num: rate.num, den: rate.den * divisor };
    const snapped = value(part) <= MAX_RATE * (1 + SNAP) ? snap(part) : undefined;
    if (snapped) return snapped;
  }
  return { num: MAX_RATE, den: 1 };
}

/** A slide show below 5 is repeated a whole number of times: parts stay short (hls.md §2). */
function raise(rate: Rational): Rational {
  return value(rate) >= MIN_RATE ? rate : { num: rate.num * Math.ceil(MIN_RATE / value(rate)), den: rate.den };
}
