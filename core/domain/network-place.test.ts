import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NetworkSet, parseNetwork } from './ip-network.ts';
import { networkBits, networkPlace, overlap, placesAround, placesWithin } from './network-place.ts';

const network = (text: string) => {
  const parsed = parseNetwork(text);
  if (parsed === null) throw new Error(`${text} is no network`);
  return parsed;
};

it('is a text that tells one network from another', () => {
  expect(networkPlace(network('192.0.2.0/24'))).toBe('4.c0000200.024');
  expect(networkPlace(network('::ffff:192.0.2.1'))).toBe('4.c0000201.032');
  expect(networkPlace(network('2001:db8::/32'))).toBe(`6.20010db8${'0'.repeat(24)}.032`);
  expect(networkPlace(network('::/0'))).toBe(`6.${'0'.repeat(32)}.000`);
});

it('knows what lies around and within, as the addresses themselves do', () => {
  const v4 = fc.tuple(fc.ipV4(), fc.nat({ max: 32 })).map(([address, prefix]) => `${address}/${prefix}`);
  const near = fc
    .tuple(fc.constantFrom('10.0.0.0', '10.0.0.1', '10.0.128.0', '10.255.255.255'), fc.nat({ max: 32 }))
    .map(([address, prefix]) => `${address}/${prefix}`);
  const v6 = fc
    .tuple(fc.constantFrom('2001:db8::', '2001:db8::1', '2001:db8:8000::', 'fe80::1'), fc.nat({ max: 128 }))
    .map(([address, prefix]) => `${address}/${prefix}`);
  const any = fc.oneof(v4, near, v6).map(network);
  fc.assert(
    fc.property(any, any, (inner, outer) => {
      const holds =
        inner.family === outer.family &&
        inner.prefix >= outer.prefix &&
        new NetworkSet([outer]).contains(inner.address);
      const place = networkPlace(inner);
      const { first, last } = placesWithin(outer);
      expect(placesAround(inner).includes(networkPlace(outer))).toBe(holds);
      expect(place >= first && place <= last).toBe(holds);
      const other = inner.family === outer.family && new NetworkSet([inner]).contains(outer.address);
      const [a, b] = [networkBits(inner), networkBits(outer)];
      expect([overlap(a, b), overlap(b, a)]).toEqual(
        holds || (other && inner.prefix <= outer.prefix) ? [true, true] : [false, false],
      );
    }),
    { numRuns: 5_000 },
  );
});
