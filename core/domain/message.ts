import type { MailParameters, RcptParameters } from './envelope.ts';
import type { HeaderEdit } from './header-edit.ts';
import type { RecipientFilter } from './recipient-filter.ts';

/** States of a recipient that still wants work. */
export const openStates = ['queued', 'deferred', 'held'] as const;
/** States that nothing leaves again. */
export const finalStates = [
  'delivered',
  'relayed',
  'captured',
  'discarded',
  'bounced',
  'expired',
  'cancelled',
] as const;
export type OpenState = (typeof openStates)[number];
export type FinalState = (typeof finalStates)[number];
export type RecipientState = OpenState | FinalState;

export const isFinal = (state: RecipientState): state is FinalState =>
  (finalStates as readonly string[]).includes(state);

/** How far the transaction with the upstream had come. After `dot-sent` the outcome of a lost connection is ambiguous. */
export type Phase = 'connect' | 'greeting' | 'hello' | 'tls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'dot-sent' | 'done';

/** One recipient of a stored message. Times are milliseconds since the epoch. */
export interface RecipientRecord {
  readonly address: string;
  /** Lower-case A-labels, for routing and search. */
  readonly domain: string;
  state: RecipientState;
  /** Attempts that reached an upstream; a breaker's holding back does not count. */
  attempts: number;
  /** When to try next; null in a final state and while held. */
  nextAt: number | null;
  /** Name of the upstream of the last attempt, or the one it was rerouted to. */
  upstream: string | null;
  /** Last reply or reason, on one line: `450 4.2.0 greylisted`. */
  lastReply: string | null;
  /** When it became final. */
  finalAt: number | null;
  readonly parameters?: RcptParameters;
  /** True once an outcome could not be known (dropped after the dot, crashed while sending). */
  ambiguous?: boolean;
  /** True while a breaker holds it back (outcome `postponed`): `wakeUpstream` makes just these due. */
  postponed?: boolean;
  /** True once the sender was told of the delay (NOTIFY=DELAY): once is enough. */
  delayReported?: boolean;
  /** Name of the only upstream it is to go to, whatever `route` would answer: an operator's choice. */
  reroutedTo?: string;
  /** True from an operator's order until a worker has returned it to its sender. */
  bounceOrdered?: boolean;
}

export type MessageOrigin = 'smtp' | 'bounce' | 'submitted';

/** Where a message came from, as the log shows it. */
export interface MessageSource {
  readonly sessionId: string;
  readonly listener: string;
  readonly clientAddress: string;
  readonly helo: string | null;
  readonly tls: string | null;
}

/** What is done to waiting mail: to all of a message's open recipients, or to those that `of` means. */
export type QueueOrder =
  | { readonly do: 'retry' | 'cancel' | 'hold' | 'release' | 'bounce'; readonly of?: RecipientFilter }
  | { readonly do: 'reroute'; readonly upstream: string; readonly of?: RecipientFilter };

/** What an operator asked of a message while a worker held its lease; honoured when that worker settles. */
export type RequestedAction = QueueOrder;

/** One hook call as the trace keeps it. `reply` only where the verdict was not `continue`. */
export interface TraceEntry {
  readonly hook: string;
  readonly plugin: string;
  readonly verdict: string;
  readonly micros: number;
  readonly reply?: string;
}

/** The part of a message's record that never changes after acceptance. */
export interface MessageFacts {
  /** UUIDv7; the queue id. */
  readonly id: string;
  readonly origin: MessageOrigin;
  readonly ownerId: string;
  readonly credentialId: string | null;
  readonly acceptedAt: number;
  readonly source: MessageSource | null;
  /** Reverse-path; empty for `<>`. */
  readonly sender: string;
  readonly parameters: MailParameters;
  /** Octets as stored, before the header edits. */
  readonly size: number;
  /** SHA-256 of the bytes as stored, lower-case hex. */
  readonly sha256: string;
  /** Message-ID with its angle brackets, as it stands after the edits. */
  readonly messageId: string | null;
  readonly subject: string | null;
  readonly headerEdits: readonly HeaderEdit[];
  /** JSON of the transaction's notes. */
  readonly notes: Readonly<Record<string, unknown>>;
  readonly trace: readonly TraceEntry[];
  readonly pipelineVersion: number;
}

/** A whole stored message: its facts and the state of its recipients. */
export interface MessageRecord extends MessageFacts {
  recipients: RecipientRecord[];
  /** Earliest `nextAt` of the open recipients; null when none is due ever (final or held). */
  nextAt: number | null;
  requested: RequestedAction | null;
}

/** One try at one upstream for some recipients. */
export interface Attempt {
  readonly messageId: string;
  readonly at: number;
  readonly upstream: string;
  /** Host and port really spoken to, where it came so far. */
  readonly host: string | null;
  readonly phase: Phase;
  readonly tls: string | null;
  readonly milliseconds: number;
  readonly ambiguous: boolean;
  readonly results: readonly { readonly recipient: string; readonly state: RecipientState; readonly reply: string }[];
}

/** A transaction that was refused or aborted: kept in the log, outside the conservation sum. */
export interface RefusalRecord {
  readonly id: string;
  readonly at: number;
  readonly outcome: 'refused' | 'reset' | 'aborted';
  readonly ownerId: string | null;
  readonly credentialId: string | null;
  readonly source: MessageSource;
  readonly sender: string;
  readonly recipients: readonly string[];
  /** The reply that refused it, on one line; null for reset and aborted ones. */
  readonly reply: string | null;
  readonly trace: readonly TraceEntry[];
  readonly pipelineVersion: number;
}
