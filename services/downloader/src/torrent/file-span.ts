import type { ByteRange } from '@lodestream/shared';
import { fileExtension, type MetainfoFile } from '@lodestream/shared';
import { pieceSpan } from '../reading/piece-span.ts';

const MIB = 1024 * 1024;
/** Where every container says what it is. */
const HEAD_BYTES = MIB;
/** Where most containers keep their index, when it is not at the head. */
const TAIL_BYTES = MIB;
/** An mp4 that was not made for streaming ends in its whole index: up to 8 MiB, and rarely more than 2 % of the film. */
const MP4_TAIL_MAX_BYTES = 8 * MIB;
const MP4_TAIL_SHARE = 0.02;
const MP4_EXTENSIONS = new Set(['mp4', 'm4v', 'm4a', 'mov', 'qt', '3gp', '3g2', 'f4v']);

/** The pieces to have before a file is played: its head, then its tail from the end of the file towards the middle. */
export function planPreparedPieces(file: MetainfoFile, pieceLength: number): number[] {
  const end = file.offset + file.lengthBytes;
  const isMp4 = MP4_EXTENSIONS.has(fileExtension(file.path));
  const tailBytes = isMp4 ? Math.min(Math.max(TAIL_BYTES, file.lengthBytes * MP4_TAIL_SHARE), MP4_TAIL_MAX_BYTES) : TAIL_BYTES;
  const head = listPieces({ start: file.offset, end: Math.min(file.offset + HEAD_BYTES, end) }, pieceLength);
  const tail = listPieces({ start: Math.max(file.offset, end - Math.ceil(tailBytes)), end }, pieceLength);
  return [...new Set([...head, ...tail.reverse()])];
}

function listPieces(range: ByteRange, pieceLength: number): number[] {
  const { first, end } = pieceSpan(range, pieceLength);
  return Array.from({ length: end - first }, (_, index) => first + index);
}
