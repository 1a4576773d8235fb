import { expect, it } from 'vitest';
import { NetworkTable } from './network-table.ts';

const all = () => true;

const table = (...networks: string[]) => {
  const made = new NetworkTable<string>();
  for (const network of networks) made.add(network, network);
  return made;
};

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['192.0.2.7/32', '192.0.2.7'],
  ['192.0.2.0/24', '192.0.2.255'],
  ['192.0.2.99/24', '192.0.2.1'],
  ['0.0.0.0/0', '203.0.113.9'],
  ['192.0.2.7', '::ffff:192.0.2.7'],
  ['192.0.2.7', '::ffff:c000:207'],
  ['::ffff:192.0.2.0/120', '192.0.2.200'],
  ['2001:db8::/32', '2001:db8:ffff::1'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
  ['2001:db8::/64', '2001:db8::dead:beef'],
  ['fe80::/10', 'fe80::1%eth0'],
  ['::/0', '2001:db8::1'],
])('%s holds %s', (network, address) => {
  expect(table(network).find(address, all)).toBe(network);
});

it.each([
  ['192.0.2.7', '192.0.2.8'],
  ['192.0.2.0/25', '192.0.2.128'],
  ['2001:db8::/64', '2001:db8:0:1::1'],
  ['::/0', '192.0.2.1'],
  ['0.0.0.0/0', '2001:db8::1'],
  ['192.0.2.7', '192.0.2.07'],
  ['0.0.0.0/0', 'not an address'],
])('%s does not hold %s', (network, address) => {
  expect(table(network).find(address, all)).toBeUndefined();
});

it('answers the narrowest network that is accepted', () => {
  const made = table('10.0.0.0/8', '10.1.0.0/16', '10.1.2.3');
  expect(made.find('10.1.2.3', all)).toBe('10.1.2.3');
  expect(made.find('10.1.2.3', (network) => network !== '10.1.2.3')).toBe('10.1.0.0/16');
  expect(made.find('10.9.9.9', all)).toBe('10.0.0.0/8');
});

it('refuses what is no network', () => {
  const made = new NetworkTable<string>();
  expect(['192.0.2.0/33', '192.0.2', 'example.com', ''].map((text) => made.add(text, text))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
