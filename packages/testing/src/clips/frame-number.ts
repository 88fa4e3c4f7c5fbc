/**
 * The number of a frame, drawn into its picture as twelve boxes on a black bar, lowest bit first: players report success
 * while they show the wrong second of the film, and only this sees it (hls.md §3b). Everything is a share of the picture,
 * so that the boxes are found again after scaling.
 */
export const FRAME_NUMBER_BITS = 12;
/** Numbers begin again after so many frames (170 s at 24 frames a second). */
export const FRAME_NUMBER_MODULUS = 2 ** FRAME_NUMBER_BITS;
/** The bar at the top is a sixth of the picture's height. */
const BAR_SHARE = 1 / 6;
/** A box fills the middle of its cell, so that its neighbour's light does not bleed into it. */
const BOX_MARGIN_SHARE = 0.2;

/** The ffmpeg filters that draw the bar and the boxes (`drawbox`, `n` is the frame's number). */
export function buildFrameNumberFilter(width: number, height: number): string {
  const cell = width / FRAME_NUMBER_BITS;
  const barHeight = Math.round(height * BAR_SHARE);
  const boxes = Array.from({ length: FRAME_NUMBER_BITS }, (_, bit) => {
    const x = Math.round(cell * (bit + BOX_MARGIN_SHARE));
    const boxWidth = Math.round(cell * (1 - 2 * BOX_MARGIN_SHARE));
    const y = Math.round(barHeight * BOX_MARGIN_SHARE);
    const boxHeight = barHeight - 2 * y;
    return `drawbox=x=${x}:y=${y}:w=${boxWidth}:h=${boxHeight}:color=white:t=fill:enable='gte(mod(n\\,${2 ** (bit + 1)})\\,${2 ** bit})'`;
  });
  return [`drawbox=x=0:y=0:w=${width}:h=${barHeight}:color=black:t=fill`, ...boxes].join(',');
}

/** The middle of each box, as shares of the picture's width and height. */
export function boxCentres(): { x: number; y: number }[] {
  return Array.from({ length: FRAME_NUMBER_BITS }, (_, bit) => ({ x: (bit + 0.5) / FRAME_NUMBER_BITS, y: BAR_SHARE / 2 }));
}
