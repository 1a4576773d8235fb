import { BlockList, isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

type Family = 'ipv4' | 'ipv6';

/** A network with its host bits cleared; `text` is its only spelling: `192.0.2.0/24`, `2001:db8::/32`. */
export interface IpNetwork {
  readonly family: Family;
  readonly address: string;
  readonly prefix: number;
  readonly text: string;
}

const mapped = '::ffff:';

/**
 * The only spelling of an address: IPv4-mapped IPv6 as IPv4, IPv6 as in RFC 5952, without a zone.
 * Null for anything else, octets with leading zeros included (some read them as octal).
 */
export function canonicalAddress(text: string): string | null {
  if (isIPv4(text)) return text;
  if (text.startsWith(mapped)) {
    const rest = text.slice(mapped.length);
    if (isIPv4(rest)) return rest;
  }
  if (text.length > 100 || !isIPv6(text)) return null;
  const zone = text.indexOf('%');
  const parsed = ipaddr.IPv6.parse(zone === -1 ? text : text.slice(0, zone));
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toRFC5952String();
}

function masked(address: ipaddr.IPv4 | ipaddr.IPv6, prefix: number): IpNetwork {
  const bytes = address.toByteArray();
  for (let i = 0; i < bytes.length; i++) {
    const kept = Math.min(8, Math.max(0, prefix - i * 8));
    bytes[i] = (bytes[i] ?? 0) & (0xff << (8 - kept)) & 0xff;
  }
  const family = bytes.length === 4 ? 'ipv4' : 'ipv6';
  const first = ipaddr.fromByteArray(bytes);
  const text = first instanceof ipaddr.IPv6 ? first.toRFC5952String() : first.toString();
  return { family, address: text, prefix, text: `${text}/${prefix}` };
}

/** Reads an address or CIDR network; host bits are cleared, IPv4-mapped networks unwrapped. Null when it is neither. */
export function parseNetwork(text: string): IpNetwork | null {
  const slash = text.indexOf('/');
  const base = slash === -1 ? text : text.slice(0, slash);
  const canonical = base.includes('%') ? null : canonicalAddress(base);
  if (canonical === null) return null;
  const address = ipaddr.parse(canonical);
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  if (slash === -1) return masked(address, bits);
  const digits = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits)) return null;
  const unwrapped = bits === 32 && base.includes(':');
  const prefix = Number(digits) - (unwrapped ? 96 : 0);
  return prefix >= 0 && prefix <= bits ? masked(address, prefix) : null;
}

/** Whom an address stands for when clients are counted: itself, or its /64, which one home or host has to itself. */
export function clientNetwork(address: string): string {
  return isIPv6(address) ? masked(ipaddr.IPv6.parse(address), 64).text : address;
}

/** A set of networks that answers in constant time whether an address lies in one of them. */
export class NetworkSet {
  readonly #list = new BlockList();
  readonly #networks: readonly IpNetwork[];

  /** Throws a RangeError that names the text that is no network. */
  constructor(networks: Iterable<string | IpNetwork> = []) {
    this.#networks = [...networks].map((network) => {
      const parsed = typeof network === 'string' ? parseNetwork(network) : network;
      if (parsed === null) throw new RangeError(`"${network}" is no address and no CIDR network`);
      this.#list.addSubnet(parsed.address, parsed.prefix, parsed.family);
      return parsed;
    });
  }

  get size(): number {
    return this.#networks.length;
  }

  /** Any spelling of an address; false for what is no address. */
  contains(address: string): boolean {
    if (this.#networks.length === 0) return false;
    const canonical = canonicalAddress(address);
    return canonical !== null && this.#list.check(canonical, isIPv4(canonical) ? 'ipv4' : 'ipv6');
  }
}
