/** Which pieces are here: one bit a piece, the first in the highest bit, as in BEP 3 and in the piece map of a page. */
export type PieceBits = ReturnType<typeof createPieceBits>;

export function createPieceBits(count: number) {
  const bytes = new Uint8Array(Math.ceil(count / 8));
  let setCount = 0;
  const has = (index: number) => ((bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
  return {
    bytes: bytes as Readonly<Uint8Array>,
    has,
    count: () => setCount,
    set(index: number, value: boolean): void {
      if (has(index) === value) return;
      const mask = 0x80 >> (index & 7);
      bytes[index >> 3] = value ? (bytes[index >> 3] as number) | mask : (bytes[index >> 3] as number) & ~mask;
      setCount += value ? 1 : -1;
    },
    /** A copy of the bits `[first, end)`, moved so that the first is in the highest bit. */
    slice(first: number, end: number): Uint8Array {
      const part = new Uint8Array(Math.ceil(Math.max(end - first, 0) / 8));
      for (let index = first; index < end; index++)
        if (has(index)) (part[(index - first) >> 3] as number) |= 0x80 >> ((index - first) & 7);
      return part;
    },
  };
}
