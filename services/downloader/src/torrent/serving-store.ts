import type { ChunkStore, StoreCallback } from 'webtorrent';

/** Bytes of a verified piece, for peers that ask us. */
export type PieceReader = (pieceIndex: number, offset: number, lengthBytes: number) => Promise<Uint8Array>;

/** Reads at once for all peers: enough for the disk, and 4 MiB of blocks, whatever a peer asks for without reading the answers. */
const READS_MAX = 32;

/** Peers are served from our store; nothing is ever written through webtorrent. */
export function buildServingStore(read: PieceReader): new (pieceLength: number) => ChunkStore {
  const waiting: (() => void)[] = [];
  let reading = 0;
  const inTurn: PieceReader = async (...place) => {
    if (reading >= READS_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
    else reading += 1;
    try {
      return await read(...place);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else reading -= 1;
    }
  };
  return class {
    readonly #pieceLength: number;
    constructor(pieceLength: number) {
      this.#pieceLength = pieceLength;
    }
    get(pieceIndex: number, options: { offset?: number; length?: number } | null, callback: StoreCallback): void {
      const offset = options?.offset ?? 0;
      inTurn(pieceIndex, offset, options?.length ?? this.#pieceLength - offset).then(
        (bytes) => callback(null, bytes),
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
      );
    }
    put(_pieceIndex: number, _bytes: Uint8Array, callback: (error: Error | null) => void): void {
      callback(new Error('webtorrent does not write here'));
    }
    close(callback: (error: Error | null) => void): void {
      callback(null);
    }
    destroy(callback: (error: Error | null) => void): void {
      callback(null);
    }
  };
}
