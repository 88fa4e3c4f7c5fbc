import type { ByteRange, Want } from '@lodestream/shared';
import type { Content } from '../torrent/content.ts';
import { locateByte } from './piece-span.ts';

/** Read from the disk at once: large enough to be cheap, small enough that 64 readers stay far below the memory limit. */
const CHUNK_BYTES = 256 * 1024;
/** A piece whose file turned out damaged is fetched again so often within one read; then something is wrong with the disk. */
const LOST_PIECES_MAX = 3;

/**
 * The bytes `range` of the torrent, in order, each from a piece whose hash was right. It waits for its own pieces only.
 * The window of this read moves as its chunks are taken: whoever stops taking stops the download. An abort gives the
 * window up in the same tick.
 * @throws the signal's reason, or a ProblemError (`storage-full`, `busy`, `draining`, `internal`).
 */
export async function* readBytes(
  content: Content,
  range: ByteRange,
  want: Want,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const { pieceLength } = content.metainfo;
  const reader = content.openReader(range, want);
  const close = () => reader.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    let lostPieces = 0;
    for (let position = range.start; position < range.end; ) {
      const { pieceIndex, offset } = locateByte(position, pieceLength);
      await content.waitForPiece(pieceIndex, signal);
      const wantedBytes = Math.min(CHUNK_BYTES, pieceLength - offset, range.end - position);
      const chunk = await content.readPiece(pieceIndex, offset, wantedBytes).catch(() => null);
      signal.throwIfAborted();
      // The piece may have been evicted while it was read, or its file cut short: such bytes are not served.
      if (chunk?.length !== wantedBytes || !content.have.has(pieceIndex)) {
        if (++lostPieces > LOST_PIECES_MAX) throw new Error(`piece ${pieceIndex} cannot be read`);
        await content.losePiece(pieceIndex);
        continue;
      }
      position += chunk.length;
      reader.advance(position);
      yield chunk;
    }
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}
