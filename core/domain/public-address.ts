import ipaddr from 'ipaddr.js';
import { canonicalAddress, NetworkSet } from './ip-network.ts';

/** Of IPv6 only this is given to the public (RFC 4291 §2.4, IANA). */
const globalUnicast = new NetworkSet(['2000::/3']);
/** Public by its range, but a cloud's own service on every machine of it. */
const cloudServices = new NetworkSet(['168.63.129.16']);

/**
 * True for an address of the public internet: neither private, loopback, link-local (metadata services), shared,
 * multicast, reserved nor documentation, and no IPv6 address that stands for an IPv4 address (6to4, Teredo, NAT64).
 */
export function isPublicAddress(text: string): boolean {
  const canonical = canonicalAddress(text);
  if (canonical === null || cloudServices.contains(canonical)) return false;
  const address = ipaddr.parse(canonical);
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || globalUnicast.contains(canonical);
}
