import type { Attempt, MessageRecord, Phase, RecipientRecord } from './message.ts';
import type { Reply } from './reply.ts';

/** Where one recipient's mail goes: names of upstreams in the order they are to be tried. */
export interface Route {
  readonly upstreams: readonly string[];
}

/** What a `deliver` hook is asked to send: the due recipients of one message that share a route. */
export interface DeliveryJob {
  readonly record: MessageRecord;
  /** Indexes into `record.recipients`. */
  readonly recipients: readonly number[];
  readonly route: Route;
  /**
   * There where another process can take the message over: to be awaited before the final dot is sent, with the recipients
   * (indexes) it is sent for. False: the message is somebody else's now; send no dot and drop the connection.
   */
  readonly tellDot?: (recipients: readonly number[]) => Promise<boolean>;
}

/** What became of one recipient in one attempt. */
export type RecipientOutcome =
  | { readonly do: 'delivered' | 'relayed' | 'captured' | 'discarded'; readonly reply: Reply }
  /** Try again later; counts as an attempt. */
  | { readonly do: 'deferred'; readonly reply: Reply; readonly ambiguous?: boolean }
  /** Give up and tell the sender. */
  | { readonly do: 'bounced'; readonly reply: Reply }
  /** Not tried, through no fault of the message (a breaker, our own login): try again at `until`, no attempt counted. */
  | { readonly do: 'postponed'; readonly reply: Reply; readonly until: number }
  /** Not to be sent as it is (damaged bytes, for one): kept until an operator decides. */
  | { readonly do: 'held'; readonly reply: Reply };

/** The answer of a `deliver` hook: one outcome a recipient of the job, in its order, and what the log should keep. */
export interface Delivery {
  readonly outcomes: readonly RecipientOutcome[];
  readonly attempts: readonly Attempt[];
  readonly phase: Phase;
}

export type DueRecipient = { readonly index: number; readonly recipient: RecipientRecord };
