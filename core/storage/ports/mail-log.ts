import type { Attempt, MessageRecord, QueueOrder, RecipientState, RefusalRecord } from '../../domain/message.ts';
import type { RecipientFilter } from '../../domain/recipient-filter.ts';
import type { Page } from './accounts.ts';
import type { AuditEntry } from './audit-log.ts';

/** `open` and `final` states of recipients, plus the outcomes of transactions that never became mail. */
export type LogStatus = RecipientState | 'refused' | 'reset' | 'aborted';

/** All given ones must hold. Times in milliseconds since the epoch. */
export interface MailLogFilter {
  readonly ownerId?: string;
  readonly credentialId?: string;
  /** At least one recipient is in this state. */
  readonly status?: LogStatus;
  /** Whole address of sender or recipient, compared without case. */
  readonly address?: string;
  /** Domain of a recipient. */
  readonly domain?: string;
  readonly messageId?: string;
  /** The upstream at which a recipient was tried last, or to which it was rerouted. */
  readonly upstream?: string;
  readonly from?: number;
  readonly until?: number;
}

export interface MailLogListOptions {
  readonly after?: string;
  readonly limit: number;
  readonly oldestFirst?: boolean;
}

export type LogEntry =
  | { readonly kind: 'message'; readonly record: MessageRecord; readonly leased: boolean }
  | { readonly kind: 'refusal'; readonly record: RefusalRecord };

/** Recipients by what became of them in a span of UTC hours; from counters kept as it happens. */
export interface MailStatistics {
  readonly accepted: number;
  readonly delivered: number;
  readonly relayed: number;
  readonly captured: number;
  readonly discarded: number;
  readonly bounced: number;
  readonly expired: number;
  readonly cancelled: number;
  /** Attempts that ended in "later". */
  readonly deferred: number;
  /** Transactions refused. */
  readonly refused: number;
}

export interface StatisticsRow extends MailStatistics {
  /** Start of the UTC hour, milliseconds since the epoch. */
  readonly hour: number;
}

/** The sum of decisions.md, in recipients: accepted + generated = all the others. */
export interface Conservation {
  readonly accepted: number;
  readonly generated: number;
  readonly states: Readonly<Record<RecipientState, number>>;
  readonly balanced: boolean;
}

export interface QueueState {
  /** Open messages, and recipients in each open state. */
  readonly messages: number;
  readonly queued: number;
  readonly deferred: number;
  readonly held: number;
  readonly leased: number;
  /** `acceptedAt` of the oldest open message, or null. */
  readonly oldest: number | null;
}

export type QueueAction = QueueOrder['do'];

/** Open messages; all given ones must hold, those of `RecipientFilter` for one and the same open recipient. */
export interface QueueFilter extends RecipientFilter {
  readonly ownerId?: string;
  readonly credentialId?: string;
  /** Accepted from `from` on and before `until`, milliseconds since the epoch. */
  readonly from?: number;
  readonly until?: number;
}

/** Reading side: API and CLI. Runs beside the writer and never delays it. */
export interface MailLog {
  /**
   * Newest first unless told otherwise. Of what is rare and has no index a page may be short, empty even, though more
   * follow: `next` tells. What is added meanwhile moves nothing from one page to another.
   */
  list(filter: MailLogFilter, options: MailLogListOptions): Promise<Page<LogEntry>>;
  get(id: string): Promise<LogEntry | null>;
  attempts(messageId: string): Promise<readonly Attempt[]>;
  /** Open messages, the next due first; of one owner where one is given. */
  queue(options: { ownerId?: string; after?: string; limit: number }): Promise<Page<LogEntry>>;
  /** Looks at up to `limit` open messages, the oldest first, and answers the ids of those that are meant. */
  queueMatches(filter: QueueFilter, options: { after?: string; limit: number }): Promise<Page<string>>;
  queueState(): Promise<QueueState>;
  statistics(filter: {
    ownerId?: string;
    credentialId?: string;
    from: number;
    until: number;
  }): Promise<StatisticsRow[]>;
  conservation(): Promise<Conservation>;
  readChunk(id: string, n: number): Promise<Uint8Array | null>;
  /** Recipients accepted for an owner in a window; seeds a counter that was lost. */
  acceptedBetween(owner: { ownerId?: string; credentialId?: string }, from: number, until: number): Promise<number>;
}

/** How many messages of an order ended how; finished and unknown ones are unchanged. */
export interface OrderCounts {
  readonly done: number;
  readonly requested: number;
  readonly unchanged: number;
}

/**
 * Changing side. `requested`: it needs a worker, or one holds the message, and it will be done when that one settles.
 * An order that was carried out already changes nothing. An audit entry is written in the commit of what it tells, and
 * only where something changed.
 */
export interface QueueActions {
  act(id: string, order: QueueOrder, audit?: AuditEntry): Promise<'done' | 'requested' | 'unchanged' | 'not-found'>;
  /** The same for up to 500 messages in one commit; the counts are added to what the entry tells. */
  actOn(ids: readonly string[], order: QueueOrder, audit?: AuditEntry): Promise<OrderCounts>;
}
