import { describe, expect, it } from 'vitest';
import { addressKey, createAddressFilter, parseNetwork } from './address-filter.ts';

const strict = createAddressFilter([]);

it.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00::1', '::ffff:8.8.8.8', '[2a00::1]'])(
  '%s is global',
  (address) => {
    expect(strict(address)).toBe(true);
  },
);

it.each([
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '64:ff9b::7f00:1',
  'fc00::1',
  'fe80::1%eth0',
  'ff02::1',
  '2002:7f00:1::',
  '2001:db8::1',
  '2001::1',
  'localhost',
  '1.2.3',
  '256.1.1.1',
  '0x7f.1',
  '1::2::3',
  '',
])('%s is not', (address) => {
  expect(strict(address)).toBe(false);
});

describe('allowed networks', () => {
  const filter = createAddressFilter(['127.0.0.0/8', 'fd00::/8', '10.1.2.3', 'nonsense', '1.2.3.4/99']);

  it.each(['127.9.1.2', '::ffff:127.0.0.1', 'fd12::1', '10.1.2.3', '8.8.8.8'])('%s is allowed', (address) => {
    expect(filter(address)).toBe(true);
  });

  it.each(['10.1.2.4', '192.168.0.1', 'fe80::1', '::1'])('%s still is not', (address) => {
    expect(filter(address)).toBe(false);
  });
});

it('two spellings of one address have one key', () => {
  expect(addressKey('::ffff:1.2.3.4')).toBe(addressKey('1.2.3.4'));
  expect(addressKey('2a00:0::1')).toBe(addressKey('2a00::0:1'));
  expect(addressKey('1.2.3.4')).not.toBe(addressKey('1.2.3.5'));
});

it('a network is an address and a prefix', () => {
  expect(parseNetwork('10.0.0.0/8')).toMatchObject({ bits: 32, prefix: 8 });
  expect(parseNetwork('::1')).toMatchObject({ bits: 128, value: 1n, prefix: 128 });
  expect(parseNetwork('10.0.0.0/x')).toBeNull();
});
