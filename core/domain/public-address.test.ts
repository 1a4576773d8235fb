import { describe, expect, test } from 'vitest';
import { isPublicAddress } from './public-address.ts';

describe('an address of the public internet', () => {
  test.each(['1.1.1.1', '8.8.8.8', '193.99.144.80', '2a00:1450:4001:80f::200e', '::ffff:8.8.8.8'])(
    '%s is one',
    (text) => {
      expect(isPublicAddress(text)).toBe(true);
    },
  );

  test.each([
    ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fd00::1', 'fc00::1']],
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1']],
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
    ['link-local, metadata services among them', ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::1%eth0']],
    ['a metadata service elsewhere', ['100.100.100.200', 'fd00:ec2::254', '168.63.129.16']],
    ['shared (RFC 6598)', ['100.64.0.1', '100.127.255.255']],
    ['multicast or broadcast', ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1']],
    ['reserved or documentation', ['192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '240.0.0.1']],
    ['documentation', ['2001:db8::1', '3fff::1']],
    [
      'IPv4 in another form',
      ['2002:7f00:1::', '64:ff9b::7f00:1', '2001:0:7f00:1::', '::127.0.0.1', '::ffff:0:127.0.0.1'],
    ],
    ['given to nobody', ['4000::1', '5f00::1', '100::1']],
    ['no address', ['localhost', '', '127.1', '0x7f.1', '1.1.1.1.1', '01.1.1.1', '[::1]']],
  ])('is not %s', (_, texts) => {
    for (const text of texts) expect([text, isPublicAddress(text)]).toEqual([text, false]);
  });
});
