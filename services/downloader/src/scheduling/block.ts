/** The unit of a request (BEP 3): every client answers 16 KiB. */
export const BLOCK_BYTES = 16 * 1024;

export function blockCountOf(pieceLengthBytes: number): number {
  return Math.ceil(pieceLengthBytes / BLOCK_BYTES);
}

/** Only the last block of a piece may be shorter. */
export function blockLengthAt(blockIndex: number, pieceLengthBytes: number): number {
  return Math.min(BLOCK_BYTES, pieceLengthBytes - blockIndex * BLOCK_BYTES);
}
