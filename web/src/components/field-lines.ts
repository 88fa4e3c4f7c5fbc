/**
 * The field of two opposite poles in the plane: every line of it is an arc of a circle through both poles. Pure geometry for
 * the picture behind the paste box, which is the magnet.
 */
export interface FieldLine {
  /** SVG path, poles at (−1, 0) and (1, 0). */
  path: string;
  /** 0 near the magnet, 1 far away. */
  distance: number;
}

/** Half of the lines leave above the magnet, half below, evenly by angle, as the field does. */
const LINES_PER_SIDE = 12;
const SMALLEST_ANGLE = 0.22;
const LARGEST_ANGLE = 2.55;

export function buildFieldLines(): FieldLine[] {
  const lines: FieldLine[] = [];
  for (let index = 0; index < LINES_PER_SIDE; index += 1) {
    const distance = index / (LINES_PER_SIDE - 1);
    const angle = SMALLEST_ANGLE + (LARGEST_ANGLE - SMALLEST_ANGLE) * distance;
    // A line that leaves the pole at this angle to the axis lies on a circle of this radius.
    const radius = (1 / Math.sin(angle)).toFixed(4);
    const isLarge = angle > Math.PI / 2 ? 1 : 0;
    lines.push({ path: `M-1 0A${radius} ${radius} 0 ${isLarge} 1 1 0`, distance });
    lines.push({ path: `M-1 0A${radius} ${radius} 0 ${isLarge} 0 1 0`, distance });
  }
  return lines;
}
