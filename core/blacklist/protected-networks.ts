import { parseNetwork } from '../domain/ip-network.ts';
import { type NetworkBits, networkBits, overlap } from '../domain/network-place.ts';

/** A network that must never be on the blacklist, and why, as in `127.0.0.0/8 is protected: <why>`. */
export interface ProtectedNetwork {
  readonly network: string;
  readonly why: string;
}

/** Whoever blocks loopback, or the machine's own addresses, locks the applications on it out, and often themselves. */
export class ProtectedNetworks {
  readonly #list: readonly (ProtectedNetwork & { readonly bits: NetworkBits })[];

  /** What is no network protects nothing. */
  constructor(networks: readonly ProtectedNetwork[]) {
    this.#list = networks.flatMap((one) => {
      const parsed = parseNetwork(one.network);
      return parsed === null ? [] : [{ why: one.why, network: parsed.text, bits: networkBits(parsed) }];
    });
  }

  /** Why this network may not be listed, for people; null where it may. `network` is canonical CIDR. */
  refusal(network: string): string | null {
    const parsed = parseNetwork(network);
    if (parsed === null) return null;
    const bits = networkBits(parsed);
    const found = this.#list.find((one) => overlap(one.bits, bits));
    if (found === undefined) return null;
    const holds =
      found.network === network
        ? ''
        : found.bits.prefix > bits.prefix
          ? ` holds ${found.network}, which`
          : ` lies in ${found.network}, which`;
    return `${network}${holds} is protected: ${found.why}`;
  }
}
