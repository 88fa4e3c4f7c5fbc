/** An address as a number of 32 or 128 bits, so that a network is a prefix comparison. */
type Address = { bits: 32 | 128; value: bigint };
type Network = Address & { prefix: number };

/** Everything that is not global unicast (IANA special-purpose registries; security.md S3, S5). */
const NOT_GLOBAL = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map((text) => parseNetwork(text) as Network);

/** Of IPv6 only 2000::/3 is global, without the ranges in it that lead back into IPv4 or nowhere. */
const GLOBAL_V6 = parseNetwork('2000::/3') as Network;
const NOT_GLOBAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'].map((text) => parseNetwork(text) as Network);
const MAPPED_V4 = parseNetwork('::ffff:0:0/96') as Network;

export type AddressFilter = (address: string) => boolean;

/**
 * Which addresses may be dialled: global unicast, and the private networks that the operator allows. What is not an
 * address is not allowed. IPv4 inside IPv6 is judged as IPv4.
 */
export function createAddressFilter(allowedNetworks: readonly string[]): AddressFilter {
  const allowed = allowedNetworks.map(parseNetwork).filter((network) => network !== null);
  return (text) => {
    const address = parseAddress(text);
    if (!address) return false;
    if (allowed.some((network) => isWithin(address, network))) return true;
    if (address.bits === 32) return !NOT_GLOBAL.some((network) => isWithin(address, network));
    return isWithin(address, GLOBAL_V6) && !NOT_GLOBAL_V6.some((network) => isWithin(address, network));
  };
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; `null` when it is neither. */
export function parseNetwork(text: string): Network | null {
  const [addressText = '', prefixText] = text.trim().split('/');
  const raw = parseRaw(addressText);
  if (!raw) return null;
  const prefix = prefixText === undefined ? raw.bits : Number(prefixText);
  return Number.isInteger(prefix) && prefix >= 0 && prefix <= raw.bits ? { ...raw, prefix } : null;
}

/** One spelling of one address, for comparing: `::ffff:1.2.3.4` and `1.2.3.4` are the same peer. */
export function addressKey(text: string): string {
  const address = parseAddress(text);
  return address ? `${address.bits}:${address.value.toString(16)}` : text;
}

function parseAddress(text: string): Address | null {
  const raw = parseRaw(text.replace(/^\[|\]$/g, '').replace(/%.*$/, ''));
  if (raw?.bits === 128 && isWithin(raw, MAPPED_V4)) return { bits: 32, value: raw.value & 0xffff_ffffn };
  return raw;
}

function isWithin(address: Address, network: Network): boolean {
  if (address.bits !== network.bits) return false;
  const shift = BigInt(network.bits - network.prefix);
  return address.value >> shift === network.value >> shift;
}

function parseRaw(text: string): Address | null {
  if (!text.includes(':')) {
    const value = parseV4(text);
    return value === null ? null : { bits: 32, value };
  }
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return null;
  const headGroups = parseGroups(head);
  const tailGroups = tail === undefined ? [] : parseGroups(tail);
  if (!headGroups || !tailGroups) return null;
  const missing = 8 - headGroups.length - tailGroups.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...headGroups, ...new Array<bigint>(missing).fill(0n), ...tailGroups];
  return { bits: 128, value: groups.reduce((value, group) => (value << 16n) | group, 0n) };
}

function parseGroups(text: string): bigint[] | null {
  if (text === '') return [];
  const groups: bigint[] = [];
  for (const part of text.split(':')) {
    if (part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === null) return null;
      groups.push(v4 >> 16n, v4 & 0xffffn);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return null;
  }
  return groups;
}

function parseV4(text: string): bigint | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return null;
  const bytes = match.slice(1).map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) : null;
}
