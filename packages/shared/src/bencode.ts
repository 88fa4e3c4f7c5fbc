/**
 * A strict, bounded reader of bencode (BEP 3). It is the only thing that reads a stranger's .torrent at the gateway's
 * edge, so it is iterative (no depth can exhaust the stack), refuses what is not canonical, and stops at fixed limits.
 *
 * Dictionaries are `Map`s: a key named `__proto__` is a key. Keys are one char per byte (Latin-1), so that no two keys
 * fall together. Each list and dictionary remembers which bytes it was read from: the info hash is the SHA-1 of those.
 */
export type BencodeValue = number | bigint | Uint8Array | BencodeList | BencodeDictionary;
export type BencodeList = { kind: 'list'; items: BencodeValue[]; start: number; end: number };
export type BencodeDictionary = {
  kind: 'dictionary';
  entries: Map<string, BencodeValue>;
  /** Keys that came more than once: other readers may take another of their values. */
  repeated: Set<string>;
  start: number;
  end: number;
};

export type BencodeLimits = { depth: number; tokens: number };

/** Real torrents nest 6 deep; half a million tokens are 100,000 files with every field that is in use. */
export const BENCODE_LIMITS: BencodeLimits = { depth: 32, tokens: 500_000 };

/** 19 digits hold every 64-bit integer; longer ones are nobody's size, date or count. */
const INTEGER_MAX_DIGITS = 19;
/** A string length with more digits than this is longer than any document that we accept. */
const STRING_LENGTH_MAX_DIGITS = 10;

export class BencodeError extends Error {
  override readonly name = 'BencodeError';
  /** Byte position of the fault. */
  readonly position: number;

  constructor(message: string, position: number) {
    super(`${message} at byte ${position}`);
    this.position = position;
  }
}

const DICTIONARY = 0x64;
const LIST = 0x6c;
const INTEGER = 0x69;
const END = 0x65;
const COLON = 0x3a;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

type Frame = { value: BencodeList | BencodeDictionary; key: string | null };

/**
 * Reads exactly one value that fills `bytes`. Repeated and unsorted dictionary keys are accepted (real torrents have
 * them); of a repeated key the first value holds, as in libtorrent.
 * @throws BencodeError on anything else that is not canonical bencode, and beyond the limits.
 */
export function readBencode(bytes: Uint8Array, limits: BencodeLimits = BENCODE_LIMITS): BencodeValue {
  const stack: Frame[] = [];
  let position = 0;
  let tokens = 0;
  let root: BencodeValue | undefined;

  while (root === undefined) {
    const byte = bytes[position];
    if (byte === undefined) throw new BencodeError('the document ends too early', position);
    if (++tokens > limits.tokens) throw new BencodeError('too many values', position);

    let finished: BencodeValue | undefined;
    const top = stack.at(-1);
    if (byte === END && top) {
      if (top.key !== null) throw new BencodeError('a key without a value', position);
      stack.pop();
      position += 1;
      top.value.end = position;
      finished = top.value;
    } else if (top?.value.kind === 'dictionary' && top.key === null) {
      const string = readString(bytes, position);
      position = string.end;
      top.key = toKey(string.value);
      continue;
    } else if (byte === DICTIONARY || byte === LIST) {
      if (stack.length >= limits.depth) throw new BencodeError('nested too deep', position);
      const value: Frame['value'] =
        byte === LIST
          ? { kind: 'list', items: [], start: position, end: position }
          : { kind: 'dictionary', entries: new Map(), repeated: new Set(), start: position, end: position };
      stack.push({ value, key: null });
      position += 1;
      continue;
    } else if (byte === INTEGER) {
      const integer = readInteger(bytes, position);
      position = integer.end;
      finished = integer.value;
    } else {
      const string = readString(bytes, position);
      position = string.end;
      finished = string.value;
    }

    const parent = stack.at(-1);
    if (parent) addTo(parent, finished);
    else root = finished;
  }
  if (position !== bytes.length) throw new BencodeError('bytes after the end of the document', position);
  return root;
}

export function isBencodeDictionary(value: BencodeValue | undefined): value is BencodeDictionary {
  return typeof value === 'object' && 'kind' in value && value.kind === 'dictionary';
}

export function isBencodeList(value: BencodeValue | undefined): value is BencodeList {
  return typeof value === 'object' && 'kind' in value && value.kind === 'list';
}

export function isBencodeString(value: BencodeValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array;
}

function addTo(frame: Frame, value: BencodeValue): void {
  if (frame.value.kind === 'list') {
    frame.value.items.push(value);
    return;
  }
  const key = frame.key as string;
  if (frame.value.entries.has(key)) frame.value.repeated.add(key);
  else frame.value.entries.set(key, value);
  frame.key = null;
}

function readInteger(bytes: Uint8Array, start: number): { value: number | bigint; end: number } {
  let position = start + 1;
  const isNegative = bytes[position] === MINUS;
  if (isNegative) position += 1;
  const firstDigit = position;
  while (isDigit(bytes[position]) && position - firstDigit <= INTEGER_MAX_DIGITS) position += 1;
  const digits = position - firstDigit;
  if (digits === 0 || digits > INTEGER_MAX_DIGITS || bytes[position] !== END) throw new BencodeError('a bad integer', start);
  const isZero = bytes[firstDigit] === ZERO;
  if (isZero && (digits > 1 || isNegative)) throw new BencodeError('an integer that is not canonical', start);
  const exact = BigInt(String.fromCharCode(...bytes.subarray(firstDigit, position))) * (isNegative ? -1n : 1n);
  const rounded = Number(exact);
  return { value: Number.isSafeInteger(rounded) ? rounded : exact, end: position + 1 };
}

function readString(bytes: Uint8Array, start: number): { value: Uint8Array; end: number } {
  let position = start;
  let length = 0;
  while (isDigit(bytes[position]) && position - start <= STRING_LENGTH_MAX_DIGITS) {
    length = length * 10 + ((bytes[position] as number) - ZERO);
    position += 1;
  }
  const digits = position - start;
  if (digits === 0 || digits > STRING_LENGTH_MAX_DIGITS || bytes[position] !== COLON)
    throw new BencodeError('a bad string', start);
  if (digits > 1 && bytes[start] === ZERO) throw new BencodeError('a string length that is not canonical', start);
  const end = position + 1 + length;
  if (end > bytes.length) throw new BencodeError('a string that is longer than the document', start);
  return { value: bytes.subarray(position + 1, end), end };
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

/** Longer keys exist in nothing that we read; cutting them keeps a key of megabytes from being copied to a string. */
const KEY_MAX_BYTES = 1024;

function toKey(bytes: Uint8Array): string {
  let key = '';
  for (const byte of bytes.subarray(0, KEY_MAX_BYTES)) key += String.fromCharCode(byte);
  return bytes.length > KEY_MAX_BYTES ? `${key}…${bytes.length}` : key;
}
