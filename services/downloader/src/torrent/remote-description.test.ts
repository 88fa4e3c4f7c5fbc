import { expect, it } from 'vitest';
import { createAddressFilter } from './address-filter.ts';
import { filterRemoteDescription, isAllowedCandidate } from './remote-description.ts';

const isAllowed = createAddressFilter([]);
const candidate = (address: string, transport = 'udp') => `a=candidate:1 1 ${transport} 2122260223 ${address} 50000 typ host`;
const sdp = (...lines: string[]) =>
  ['v=0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=ice-ufrag:x', ...lines, ''].join('\r\n');

it('only candidates at allowed addresses are left, and the rest of the description is as it was', () => {
  const good = [candidate('8.8.8.8'), candidate('2a00:1450::1', 'UDP')];
  const bad = [
    ...['192.168.1.1', '10.0.0.1', '127.0.0.1', '169.254.169.254', '::1', 'fe80::1', '::ffff:10.0.0.1', '0.0.0.0'].map(
      (address) => candidate(address),
    ),
    candidate('5d0f6a36-1b3a-4f3b-9f6a-3d1f3a5d7c11.local'),
    candidate('tracker.example'),
    candidate('8.8.8.8', 'tcp'),
    'a=candidate:1',
    'a=CANDIDATE:1 1 udp 1 10.0.0.1 5 typ host',
    'a=remote-candidates:1 10.0.0.1 5',
    'a=end-of-candidates',
  ];
  expect(filterRemoteDescription(sdp(...bad, ...good), isAllowed)).toBe(sdp(...good));
  expect(filterRemoteDescription(sdp(...bad).replaceAll('\r\n', '\n'), isAllowed)).toBe(sdp());
});

it('no more candidates are tried than a browser has', () => {
  const many = Array.from({ length: 100 }, (_, index) => candidate(`8.8.8.${index}`));
  expect(filterRemoteDescription(sdp(...many), isAllowed).split('a=candidate').length - 1).toBe(16);
});

it('a candidate by itself is judged the same way', () => {
  expect(isAllowedCandidate('candidate:1 1 udp 1 8.8.8.8 1 typ host', isAllowed)).toBe(true);
  expect(isAllowedCandidate('candidate:1 1 udp 1 10.8.8.8 1 typ host', isAllowed)).toBe(false);
  expect(isAllowedCandidate('', isAllowed)).toBe(false);
});
