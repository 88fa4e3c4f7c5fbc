import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../state/memory-store.ts';
import { CLIENT_LIMITS, clientPrefix, createClientLimits } from './client-limits.ts';

const group = fc.nat(0xffff);

describe('clientPrefix', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:ffff::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
  ])('of %s is %s', (ip, prefix) => {
    expect(clientPrefix(ip)).toBe(prefix);
  });

  it('is one for a whole /64, in any spelling, and another for the next', () => {
    fc.assert(
      fc.property(fc.tuple(group, group, group, group), fc.tuple(group, group, group, group), (net, host) => {
        const hex = (groups: readonly number[]) => groups.map((value) => value.toString(16)).join(':');
        const full = `${hex(net)}:${hex(host)}`;
        const compressed = new URL(`http://[${full}]`).hostname.slice(1, -1);
        expect(clientPrefix(compressed)).toBe(clientPrefix(full));
        expect(clientPrefix(`${hex(net)}:0:0:0:1`)).toBe(clientPrefix(full));
        const next = [net[0], net[1], net[2], (net[3] + 1) % 0x10000];
        expect(clientPrefix(`${hex(next)}:${hex(host)}`)).not.toBe(clientPrefix(full));
      }),
    );
  });
});

describe('client limits', () => {
  it('count the clients of one prefix together, and the others apart', async () => {
    const limits = createClientLimits(createMemoryStore(), true);
    for (let n = 0; n < CLIENT_LIMITS.newTorrents.limit; n++) await limits.takeNewTorrent(`2001:db8::${n + 1}`);
    await expect(limits.takeNewTorrent('2001:db8::ffff')).rejects.toMatchObject({
      problem: { code: 'rate-limited', status: 429, retryAfterSeconds: CLIENT_LIMITS.newTorrents.windowSeconds },
    });
    await limits.takeNewTorrent('2001:db8:0:1::1');
    await limits.takeRequest('2001:db8::ffff');
  });

  it('open again with the next window', async () => {
    let now = 0;
    const limits = createClientLimits(
      createMemoryStore(() => now),
      true,
    );
    for (let n = 0; n < CLIENT_LIMITS.requests.limit; n++) await limits.takeRequest('203.0.113.7');
    await expect(limits.takeRequest('203.0.113.7')).rejects.toMatchObject({ code: 'rate-limited' });
    now += CLIENT_LIMITS.requests.windowSeconds * 1000 + 1;
    await limits.takeRequest('203.0.113.7');
  });

  it('hold open streams to the cap with 503, which players try again, and free them once', () => {
    const limits = createClientLimits(createMemoryStore(), true);
    const open = Array.from({ length: CLIENT_LIMITS.openMedia }, () => limits.openStream('203.0.113.7', 'openMedia'));
    expect(() => limits.openStream('203.0.113.7', 'openMedia')).toThrow(expect.objectContaining({ code: 'busy' }));
    limits.openStream('203.0.113.7', 'openEvents');
    limits.openStream('203.0.113.8', 'openMedia');
    open[0]?.();
    limits.openStream('203.0.113.7', 'openMedia');
    expect(() => limits.openStream('203.0.113.7', 'openMedia')).toThrow();
  });

  it.each(['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1'])('never count %s', async (ip) => {
    const limits = createClientLimits(createMemoryStore(), true);
    for (let n = 0; n < CLIENT_LIMITS.requests.limit + 10; n++) await limits.takeRequest(ip);
    for (let n = 0; n < CLIENT_LIMITS.openMedia + 10; n++) limits.openStream(ip, 'openMedia');
  });

  it('count nobody when they are off', async () => {
    const limits = createClientLimits(createMemoryStore(), false);
    for (let n = 0; n < CLIENT_LIMITS.newTorrents.limit + 5; n++) await limits.takeNewTorrent('203.0.113.7');
  });
});
