import type { OpenState, RecipientRecord } from './message.ts';

/** Which open recipients are meant; all given ones must hold. */
export interface RecipientFilter {
  readonly state?: OpenState;
  /** Compared without case. */
  readonly address?: string;
  readonly domain?: string;
  /** Name of the upstream of the last attempt, or the one it was rerouted to. */
  readonly upstream?: string;
}

export function fits(recipient: RecipientRecord, { state, address, domain, upstream }: RecipientFilter): boolean {
  return (
    (state === undefined || recipient.state === state) &&
    (upstream === undefined || recipient.upstream === upstream) &&
    (domain === undefined || recipient.domain.toLowerCase() === domain.toLowerCase()) &&
    (address === undefined || recipient.address.toLowerCase() === address.toLowerCase())
  );
}
