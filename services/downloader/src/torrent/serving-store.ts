import type { ChunkStore, StoreCallback } from 'webtorrent';

/** Bytes of a verified piece, for peers that ask us. */
export type PieceReader = (pieceIndex: number, offset: number, lengthBytes: number) => Promise<Uint8Array>;

/** Peers are served from our store; nothing is ever written through webtorrent. */
export function buildServingStore(read: PieceReader): new (pieceLength: number) => ChunkStore {
  return class {
    readonly #pieceLength: number;
    constructor(pieceLength: number) {
      this.#pieceLength = pieceLength;
    }
    get(pieceIndex: number, options: { offset?: number; length?: number } | null, callback: StoreCallback): void {
      const offset = options?.offset ?? 0;
      read(pieceIndex, offset, options?.length ?? this.#pieceLength - offset).then(
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
