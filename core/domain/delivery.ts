import type { Attempt, MessageRecord, Phase, RecipientRecord } from './message.ts';
import { type NextHop, nextHopName } from './next-hop.ts';
import type { Reply } from './reply.ts';

/** Where one recipient's mail goes, in the order it is to be tried: next hops first, then upstreams by name. */
export interface Route {
  /** Names of configured upstreams; may be empty where there are next hops. */
  readonly upstreams: readonly string[];
  /** Servers that no configuration lists. */
  readonly nextHops?: readonly NextHop[];
}

/** What a `route` hook answers: a way, or what becomes of the recipient without being sent. */
export type Routing = Route | { readonly outcome: RecipientOutcome };

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
  /** Try again later, after `delay` milliseconds where the retry schedule is not to decide; counts as an attempt. */
  | ({
      readonly do: 'deferred';
      readonly reply: Reply;
      readonly ambiguous?: boolean;
      readonly delay?: number;
    } & Reporting)
  /** Give up and tell the sender. */
  | ({ readonly do: 'bounced'; readonly reply: Reply } & Reporting)
  /**
   * Not tried, through no fault of the message (a breaker, our own login): try again at `until`, no attempt counted. With
   * `firm` not before, even if its upstream can be reached again.
   */
  | ({ readonly do: 'postponed'; readonly reply: Reply; readonly until: number; readonly firm?: boolean } & Reporting)
  /** Not to be sent as it is (damaged bytes, for one): kept until an operator decides. */
  | { readonly do: 'held'; readonly reply: Reply };

interface Reporting {
  /** False: the sender is not told, whatever becomes of the recipient by this. */
  readonly report?: false;
}

/** Names of all that a route leads over, in the order they are tried. */
export const routeNames = ({ nextHops = [], upstreams }: Route): string[] => [
  ...nextHops.map(nextHopName),
  ...upstreams,
];

/** The answer of a `deliver` hook: one outcome a recipient of the job, in its order, and what the log should keep. */
export interface Delivery {
  readonly outcomes: readonly RecipientOutcome[];
  readonly attempts: readonly Attempt[];
  readonly phase: Phase;
}

export type DueRecipient = { readonly index: number; readonly recipient: RecipientRecord };
