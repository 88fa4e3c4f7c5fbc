import type { AddressFilter } from './address-filter.ts';

/** Each is sent packets to until it answers or a timeout ends it; a browser has two to eight. */
const CANDIDATES_MAX = 16;

/**
 * A peer's session description (RFC 8839) without the candidates that must not be tried: names (they would be looked up),
 * TCP, addresses that are not allowed. The peer can still reach us: its address is then learnt from its own packets.
 * `a=end-of-candidates` goes too, because ICE would fail at once where none is left.
 */
export function filterRemoteDescription(sdp: string, isAllowed: AddressFilter): string {
  let kept = 0;
  return sdp
    .split(/\r?\n/)
    .filter((line) => {
      if (/^a=(end-of-candidates|remote-candidates)/i.test(line)) return false;
      if (!/^a=candidate/i.test(line)) return true;
      return isAllowedCandidate(line, isAllowed) && ++kept <= CANDIDATES_MAX;
    })
    .join('\r\n');
}

/** `candidate:<foundation> <component> <transport> <priority> <address> <port> …`, with or without `a=` before it. */
export function isAllowedCandidate(candidate: string, isAllowed: AddressFilter): boolean {
  const [, , transport = '', , address = ''] = candidate.trim().split(/\s+/);
  return transport.toLowerCase() === 'udp' && isAllowed(address);
}
