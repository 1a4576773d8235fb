import ipaddr from 'ipaddr.js';
import type { IpNetwork } from './ip-network.ts';

/*
 * Networks as texts whose order is that of their addresses, for indexes of databases: `4.c0000200.024` is the family,
 * the first address in hexadecimal and the prefix length. CIDR networks never overlap in part: what starts within a
 * network and is no wider lies in it.
 */

const widths = { ipv4: 32, ipv6: 128 } as const;

const firstBits = ({ address }: IpNetwork): bigint =>
  BigInt(`0x${Buffer.from(ipaddr.parse(address).toByteArray()).toString('hex')}`);

const placeText = (family: IpNetwork['family'], bits: bigint, prefix: number): string =>
  `${family === 'ipv4' ? 4 : 6}.${bits.toString(16).padStart(widths[family] / 4, '0')}.${String(prefix).padStart(3, '0')}`;

/** Unique for each network; a network stands before what lies in it. */
export const networkPlace = (network: IpNetwork): string =>
  placeText(network.family, firstBits(network), network.prefix);

/** Places of all networks that hold this one, itself included: 33 at most for IPv4, 129 for IPv6. */
export function placesAround(network: IpNetwork): string[] {
  const { family, prefix } = network;
  const bits = firstBits(network);
  return Array.from({ length: prefix + 1 }, (_, length) => {
    const rest = BigInt(widths[family] - length);
    return placeText(family, (bits >> rest) << rest, length);
  });
}

/** Every place from `first` to `last` is that of a network that lies in this one, or of itself. */
export function placesWithin(network: IpNetwork): { readonly first: string; readonly last: string } {
  const { family, prefix } = network;
  const mask = (1n << BigInt(widths[family] - prefix)) - 1n;
  return { first: networkPlace(network), last: placeText(family, firstBits(network) | mask, widths[family]) };
}

/** A network as numbers, to be compared with many others. */
export interface NetworkBits {
  readonly family: IpNetwork['family'];
  readonly bits: bigint;
  readonly prefix: number;
}

export const networkBits = (network: IpNetwork): NetworkBits => ({
  family: network.family,
  bits: firstBits(network),
  prefix: network.prefix,
});

/** True where one of them holds the other, or they are the same. */
export function overlap(a: NetworkBits, b: NetworkBits): boolean {
  if (a.family !== b.family) return false;
  const rest = BigInt(widths[a.family] - Math.min(a.prefix, b.prefix));
  return a.bits >> rest === b.bits >> rest;
}
