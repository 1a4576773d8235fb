import type { MailParameters, RcptParameters } from '../../domain/envelope.ts';
import type { Identity } from '../../domain/identity.ts';

/** One recipient of a submission: an address, or one with its parameters. */
export type SubmittedRecipient = string | { readonly address: string; readonly parameters?: RcptParameters };

/** A new message that a plugin hands over. Addresses stand without angle brackets. */
export interface Submission {
  /** Null or empty for the null reverse-path `<>`: nothing is ever reported back then. */
  readonly sender: string | null;
  readonly recipients: readonly SubmittedRecipient[];
  /**
   * Header block and body, without dot stuffing, in one piece or as they come. Every line break becomes CRLF; a missing
   * Date and Message-ID are added.
   */
  readonly content: AsyncIterable<Uint8Array> | Uint8Array;
  /** Whom it belongs to in the log and in statistics. */
  readonly identity: Identity;
  readonly parameters?: MailParameters;
  /** JSON; reaches the worker as the record's notes, by the rules of a transaction's. */
  readonly notes?: Readonly<Record<string, unknown>>;
}

/**
 * Core's way from a plugin's own message to a durable record of origin `submitted`. No gate is asked, and no quota is
 * counted: what a plugin sends is the plugin's to limit.
 */
export interface Send {
  /**
   * Resolves with the message's queue id once it is durable. Rejects with `MAIL_REFUSED` where an address or the content
   * cannot be sent, `REQUEST_TOO_LARGE` beyond the largest message, `STORE_FULL` or `STORE_UNAVAILABLE`, and with what the
   * content throws. Nothing is stored then.
   */
  send(submission: Submission): Promise<{ readonly id: string }>;
}
