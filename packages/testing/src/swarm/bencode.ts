export type Bencodable = number | string | Uint8Array | Bencodable[] | { [key: string]: Bencodable };

/** Writes bencode (BEP 3); dictionary keys are sorted as raw bytes, as the specification demands. */
export function encodeBencode(value: Bencodable): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${value}e`);
  if (typeof value === 'string') return encodeBencode(Buffer.from(value));
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.from(`${value.length}:`), value]);
  if (Array.isArray(value)) return Buffer.concat([Buffer.from('l'), ...value.map(encodeBencode), Buffer.from('e')]);
  const entries = Object.entries(value)
    .map(([key, item]) => [Buffer.from(key), item] as const)
    .sort(([a], [b]) => Buffer.compare(a, b));
  return Buffer.concat([
    Buffer.from('d'),
    ...entries.flatMap(([key, item]) => [encodeBencode(key), encodeBencode(item)]),
    Buffer.from('e'),
  ]);
}
