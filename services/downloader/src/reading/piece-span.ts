import type { ByteRange } from '@lodestream/shared';

/** Pieces, half-open. */
export type PieceSpan = { first: number; end: number };

/** The pieces that hold these bytes of the torrent; empty for an empty range. */
export function pieceSpan(range: ByteRange, pieceLength: number): PieceSpan {
  const first = Math.floor(range.start / pieceLength);
  return { first, end: range.end <= range.start ? first : Math.floor((range.end - 1) / pieceLength) + 1 };
}

/** Where the torrent's byte lies: its piece, and its place in that piece. */
export function locateByte(position: number, pieceLength: number): { pieceIndex: number; offset: number } {
  const pieceIndex = Math.floor(position / pieceLength);
  return { pieceIndex, offset: position - pieceIndex * pieceLength };
}

/** Every piece has the torrent's piece length but the last, which has what is left. */
export function pieceLengthAt(pieceIndex: number, pieceLength: number, lengthBytes: number): number {
  return Math.min(pieceLength, lengthBytes - pieceIndex * pieceLength);
}
