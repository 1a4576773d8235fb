import { type IpNetwork, parseNetwork } from '../domain/ip-network.ts';
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

  /** Why this network may not be listed, for people; null where it may. */
  refusal(network: IpNetwork): string | null {
    const { text } = network;
    const bits = networkBits(network);
    const found = this.#list.find((one) => overlap(one.bits, bits));
    if (found === undefined) return null;
    const relation = found.bits.prefix > bits.prefix ? 'holds' : 'lies in';
    const which = found.network === text ? text : `${text} ${relation} ${found.network}, which`;
    return `${which} is protected: ${found.why}`;
  }
}
