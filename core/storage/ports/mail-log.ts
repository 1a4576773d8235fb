import type { Attempt, MessageRecord, RecipientState, RefusalRecord } from '../../domain/message.ts';
import type { Page } from './accounts.ts';

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
  readonly from?: number;
  readonly until?: number;
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

export type QueueAction = 'retry' | 'cancel' | 'hold' | 'release';

/** Reading side: API and CLI. Runs beside the writer and never delays it. */
export interface MailLog {
  /** Newest first. */
  list(filter: MailLogFilter, options: { after?: string; limit: number }): Promise<Page<LogEntry>>;
  get(id: string): Promise<LogEntry | null>;
  attempts(messageId: string): Promise<readonly Attempt[]>;
  /** Open messages, the next due first; of one owner where one is given. */
  queue(options: { ownerId?: string; after?: string; limit: number }): Promise<Page<LogEntry>>;
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

/** Changing side. `requested`: a worker holds the message, and it will be done when that one settles. */
export interface QueueActions {
  act(id: string, action: QueueAction): Promise<'done' | 'requested' | 'unchanged' | 'not-found'>;
}
