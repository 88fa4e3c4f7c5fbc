/** What is asked of a wire to count it. */
export type WirePieces = { peerPieces: { get(pieceIndex: number): boolean; readonly buffer: Uint8Array; setAll?: unknown } };

export type SwarmCensus = { peers: number; seeders: number; isIncomplete: boolean };

/**
 * Counts peers and seeders, and says whether the peers and we together lack a piece. It looks at every bit of every
 * peer: ask at most once a second.
 */
export function takeCensus(wires: readonly WirePieces[], have: Uint8Array, pieceCount: number): SwarmCensus {
  const union = Uint8Array.from(have);
  let seeders = 0;
  for (const { peerPieces } of wires) {
    // bittorrent-protocol answers `have all` (BEP 6) with an object that has no bits and cannot be changed.
    if (peerPieces.buffer.length === 0 && peerPieces.setAll === undefined) {
      seeders += 1;
      union.fill(0xff);
      continue;
    }
    const { buffer } = peerPieces;
    if (pieceCount > 0 && isFull(buffer, pieceCount)) seeders += 1;
    for (let index = 0; index < union.length; index++) (union[index] as number) |= buffer[index] ?? 0;
  }
  return { peers: wires.length, seeders, isIncomplete: wires.length > 0 && pieceCount > 0 && !isFull(union, pieceCount) };
}

function isFull(bits: Uint8Array, count: number): boolean {
  const whole = count >> 3;
  if (bits.length < Math.ceil(count / 8)) return false;
  for (let index = 0; index < whole; index++) if (bits[index] !== 0xff) return false;
  const rest = count & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((bits[whole] as number) & mask) === mask;
}
