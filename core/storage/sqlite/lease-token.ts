import type { Lease } from './protocol.ts';

/** A lease token names entry and claim, so that a settlement finds its row without a search. */
export const tokenOf = ({ seq, lease }: Lease): string => `${seq}.${lease}`;

export function leaseOf(token: string): Lease {
  const dot = token.indexOf('.');
  return { seq: Number(token.slice(0, dot)), lease: Number(token.slice(dot + 1)) };
}
