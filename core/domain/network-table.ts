import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { canonicalAddress, parseNetwork } from './ip-network.ts';

/** The address as one number of 32 or 128 bits; `address` is canonical. */
function bitsOf(address: string): bigint {
  let bits = 0n;
  if (isIPv4(address)) {
    for (const octet of address.split('.')) bits = (bits << 8n) | BigInt(octet);
  } else {
    for (const group of ipaddr.IPv6.parse(address).parts) bits = (bits << 16n) | BigInt(group);
  }
  return bits;
}

/** Values by network bits, for one address family; one table a prefix length, the longest first. */
class FamilyTable<T> {
  readonly #width: number;
  readonly #tables: { readonly prefix: number; readonly shift: bigint; readonly values: Map<bigint, T> }[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  set(bits: bigint, prefix: number, value: T): void {
    let table = this.#tables.find((other) => other.prefix === prefix);
    if (table === undefined) {
      table = { prefix, shift: BigInt(this.#width - prefix), values: new Map() };
      this.#tables.push(table);
      this.#tables.sort((a, b) => b.prefix - a.prefix);
    }
    table.values.set(bits >> table.shift, value);
  }

  /** Removes a value if it still is the one of this network. */
  delete(bits: bigint, prefix: number, value: T): void {
    const at = this.#tables.findIndex((other) => other.prefix === prefix);
    const table = this.#tables[at];
    if (table === undefined || table.values.get(bits >> table.shift) !== value) return;
    table.values.delete(bits >> table.shift);
    if (table.values.size === 0) this.#tables.splice(at, 1);
  }

  find(bits: bigint, accepts: (value: T) => boolean): T | undefined {
    for (const { shift, values } of this.#tables) {
      const value = values.get(bits >> shift);
      if (value !== undefined && accepts(value)) return value;
    }
    return undefined;
  }

  get empty(): boolean {
    return this.#tables.length === 0;
  }
}

/** Values by CIDR network. A look-up costs one step a prefix length in use, however many networks there are. */
export class NetworkTable<T> {
  readonly #ipv4 = new FamilyTable<T>(32);
  readonly #ipv6 = new FamilyTable<T>(128);

  /** Any spelling of a network or address; the last value for a network stands. False if it is no network. */
  add(network: string, value: T): boolean {
    const parsed = parseNetwork(network);
    if (parsed === null) return false;
    const table = parsed.family === 'ipv4' ? this.#ipv4 : this.#ipv6;
    table.set(bitsOf(parsed.address), parsed.prefix, value);
    return true;
  }

  /** Removes this value of a network; does nothing where another took its place. */
  remove(network: string, value: T): void {
    const parsed = parseNetwork(network);
    if (parsed === null) return;
    const table = parsed.family === 'ipv4' ? this.#ipv4 : this.#ipv6;
    table.delete(bitsOf(parsed.address), parsed.prefix, value);
  }

  /** The value of the narrowest network around this address that `accepts` takes. Any spelling of an address. */
  find(address: string, accepts: (value: T) => boolean): T | undefined {
    if (this.#ipv4.empty && this.#ipv6.empty) return undefined;
    const canonical = canonicalAddress(address);
    if (canonical === null) return undefined;
    const table = isIPv4(canonical) ? this.#ipv4 : this.#ipv6;
    return table.empty ? undefined : table.find(bitsOf(canonical), accepts);
  }
}
