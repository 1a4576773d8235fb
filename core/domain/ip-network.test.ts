import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalAddress, clientNetwork, NetworkSet, parseNetwork } from './ip-network.ts';

describe('canonicalAddress', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
  ])('%s → %s', (text, expected) => expect(canonicalAddress(text)).toBe(expected));

  it.each([
    '',
    '192.0.2.01',
    '010.0.0.1',
    '0x7f.0.0.1',
    '127.1',
    '192.0.2.256',
    '::ffff:192.0.2.01',
    'x',
    '::1::',
    '1',
  ])('"%s" is none', (text) => expect(canonicalAddress(text)).toBeNull());
});

describe('parseNetwork', () => {
  it.each([
    ['192.0.2.77/24', '192.0.2.0/24'],
    ['192.0.2.77', '192.0.2.77/32'],
    ['2001:db8:ffff::1/33', '2001:db8:8000::/33'],
    ['::ffff:10.1.2.3/104', '10.0.0.0/8'],
    ['::1', '::1/128'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
  ])('%s → %s', (text, expected) => expect(parseNetwork(text)?.text).toBe(expected));

  it.each([
    '192.0.2.0/33',
    '192.0.2.0/',
    '192.0.2.0/08',
    '192.0.2.0/-1',
    '::/129',
    '::ffff:10.0.0.0/95',
    'a/8',
    '::1%lo/128',
  ])('"%s" is none', (text) => expect(parseNetwork(text)).toBeNull());
});

describe('NetworkSet', () => {
  const set = new NetworkSet(['192.0.2.0/24', '198.51.100.7', '2001:db8::/32']);

  it('finds every spelling of an address', () => {
    for (const address of ['192.0.2.255', '::ffff:192.0.2.1', '::ffff:c000:201', '198.51.100.7', '2001:DB8::5']) {
      expect(set.contains(address), address).toBe(true);
    }
    for (const address of ['192.0.3.0', '198.51.100.8', '2001:db9::', '::1', 'nonsense', '192.0.2.01']) {
      expect(set.contains(address), address).toBe(false);
    }
  });

  it('keeps the families apart where everything of one is meant', () => {
    expect(new NetworkSet(['0.0.0.0/0']).contains('203.0.113.9')).toBe(true);
    expect(new NetworkSet(['0.0.0.0/0']).contains('2001:db8::1')).toBe(false);
    expect(new NetworkSet(['::/0']).contains('2001:db8::1')).toBe(true);
  });

  it('names what is no network', () => {
    expect(() => new NetworkSet(['10.0.0.0/8', 'ten'])).toThrow(/"ten"/);
  });

  it('holds each address of a network, and none outside it', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 1, max: 32 }), fc.ipV4(), (base, prefix, probe) => {
        const bits = (address: string) => address.split('.').reduce((all, octet) => all * 256 + Number(octet), 0);
        const inside = Math.floor(bits(base) / 2 ** (32 - prefix)) === Math.floor(bits(probe) / 2 ** (32 - prefix));
        expect(new NetworkSet([`${base}/${prefix}`]).contains(probe)).toBe(inside);
        expect(new NetworkSet([`${base}/${prefix}`]).contains(`::ffff:${base}`)).toBe(true);
      }),
    );
  });
});

it('counts an IPv6 client by its /64', () => {
  expect(clientNetwork('192.0.2.1')).toBe('192.0.2.1');
  expect(clientNetwork('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
});
