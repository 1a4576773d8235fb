import type { Phase } from '../../core/domain/message.ts';
import type { Reply } from '../../core/domain/reply.ts';

/** A message made ready to be sent. */
export type WireBody =
  /** The whole of it with its ending, dots doubled. */
  | { readonly kind: 'whole'; readonly octets: Uint8Array }
  /** Read, checked and encoded while it is sent. */
  | { readonly kind: 'pieces'; open(): AsyncIterable<Uint8Array> };

/** The command lines of one mail transaction, without line ends. */
export interface TransactionCommands {
  readonly mail: string;
  readonly rcpt: readonly string[];
}

/**
 * Asked when all but the last piece and the final dot is sent, with the positions of the recipients that were accepted;
 * false: the message must not be ended.
 */
export type BeforeDot = (positions: readonly number[]) => Promise<boolean>;

/** What one recipient's part of a transaction came to. */
export type Verdict =
  | { readonly kind: 'accepted'; readonly reply: Reply }
  /** The upstream said no: 4yz or 5yz. */
  | { readonly kind: 'refused'; readonly reply: Reply }
  /** The connection ended before the final dot was sent: certainly not delivered. */
  | { readonly kind: 'lost'; readonly reply: Reply }
  /** It ended after the dot was sent, unanswered. */
  | { readonly kind: 'unknown'; readonly reply: Reply }
  /** The message itself cannot be sent: its bytes are damaged. The dot was not sent. */
  | { readonly kind: 'unfit'; readonly reply: Reply };

export interface TransactionResult {
  /** One a recipient, in the order of the commands. */
  readonly verdicts: readonly Verdict[];
  readonly phase: Phase;
  /** The session ended before it answered anything of this transaction. */
  readonly unanswered: boolean;
}
