import type { Delivery, DeliveryJob, RecipientOutcome, Routing } from '../domain/delivery.ts';
import type { Address, MailParameters, RcptParameters } from '../domain/envelope.ts';
import type { Identity } from '../domain/identity.ts';
import type { MessageRecord, RecipientRecord } from '../domain/message.ts';
import type { Reply } from '../domain/reply.ts';
import { reply } from '../domain/reply.ts';
import type { Logger } from '../observability/log.ts';
import type { Message, Session, Transaction } from './session.ts';
import type { FirstResult, GateResult, RcptResult } from './verdict.ts';

/** Given to every hook call. */
export interface HookContext {
  readonly log: Logger;
  /** Aborts when the call's deadline passes or the client is gone. */
  readonly signal: AbortSignal;
}

/** What a client showed at AUTH (RFC 4954). */
export interface Credentials {
  readonly mechanism: string;
  readonly username: string;
  readonly password: string;
}

/** How a `queue` hook disposed of an accepted message. */
export type Queued =
  /** Durably stored under the transaction's id. */
  | { readonly as: 'queued'; readonly text?: string }
  /** The next hop took it within this transaction; its reply becomes ours. */
  | { readonly as: 'relayed'; readonly reply: Reply }
  /** Dropped on purpose, and recorded so. */
  | { readonly as: 'discarded'; readonly text?: string };

export type TransactionOutcome = 'accepted' | 'refused' | 'reset' | 'aborted';

/** A command core does not answer itself, or is told to hand over. */
export interface Command {
  /** In upper case. */
  readonly verb: string;
  /** The rest of the line, blanks around it removed. */
  readonly argument: string;
  /** The whole line as received, without its CR LF: an answer to a challenge (RFC 4954) comes as a command, too. */
  readonly line: string;
}

/** What a plugin made of a command. */
export interface CommandAnswer {
  /** The reply to send; null where the plugin sent one itself. */
  readonly reply: Reply | null;
  /**
   * Another client speaks from now on (XCLIENT): what the former one did is forgotten, except a greeting that was assumed
   * for this one, and the `connect` gates are asked. Where they let it in, `reply` is sent, or the 220 where it is null.
   */
  readonly again?: 'connect';
}

type Now<T> = T | Promise<T>;
type Gate<P, R = GateResult> = (params: P, context: HookContext) => Now<R>;
type First<P, T> = (params: P, context: HookContext) => Now<FirstResult<T>>;
type Observer<P> = (params: P, context: HookContext) => Now<void>;

/** Every hook, once: its parameters and what it may answer. All other types of the pipeline derive from this. */
export interface Hooks {
  /** A client connected; PROXY is applied, implicit TLS done. */
  connect: Gate<{ session: Session }>;
  helo: Gate<{ session: Session; verb: 'HELO' | 'EHLO'; name: string }>;
  /** Before the EHLO reply: keywords may be added to or removed from the list in place. */
  capabilities: Gate<{ session: Session; capabilities: string[] }>;
  auth: First<{ session: Session; credentials: Credentials }, Identity>;
  mailFrom: Gate<{ session: Session; transaction: Transaction; sender: Address | null; parameters: MailParameters }>;
  rcptTo: Gate<
    { session: Session; transaction: Transaction; recipient: Address; parameters: RcptParameters },
    RcptResult
  >;
  /** DATA was sent; 354 not yet. */
  data: Gate<{ session: Session; transaction: Transaction }>;
  /** After the final dot; the message is spooled, not yet committed. */
  message: Gate<{ session: Session; transaction: Transaction; message: Message }>;
  /** NOOP, RSET, VRFY, QUIT, unknown verbs, and commands that the listener hands over. */
  command: First<{ session: Session; transaction: Transaction | null; command: Command }, CommandAnswer>;
  /** Disposes of an accepted message; a 250 promises what it answers. */
  queue: First<{ session: Session; transaction: Transaction; message: Message }, Queued>;
  /** In the worker: where does this recipient's mail go? */
  route: First<{ record: MessageRecord; recipient: number }, Routing>;
  /** In the worker: send; one outcome a recipient. */
  deliver: First<{ job: DeliveryJob; message: Message }, Delivery>;
  /**
   * In the worker, before what is not a success is stored: other outcomes for recipients that are not done with, in the
   * job's order. `recipients` are as they would be stored. Unanswered, or in vain: as the delivery says.
   */
  outcome: First<
    { job: DeliveryJob; delivery: Delivery; recipients: readonly RecipientRecord[] },
    readonly RecipientOutcome[]
  >;
  /** Exactly once for each MAIL, whatever ends it. `reply` is what the client last saw, if anything. */
  transactionEnd: Observer<{
    session: Session;
    transaction: Transaction;
    outcome: TransactionOutcome;
    reply: Reply | null;
  }>;
  queued: Observer<{ session: Session; transaction: Transaction }>;
  delivered: Observer<{ job: DeliveryJob; delivery: Delivery }>;
  deferred: Observer<{ job: DeliveryJob; delivery: Delivery }>;
  bounced: Observer<{ job: DeliveryJob; delivery: Delivery }>;
  disconnect: Observer<{ session: Session }>;
}

export type HookName = keyof Hooks;
export type HookParams<K extends HookName> = Parameters<Hooks[K]>[0];
export type HookResult<K extends HookName> = Awaited<ReturnType<Hooks[K]>>;

/** gate: all run in order, the first refusal stops. first: the first answer decides. observer: told, never asked. */
export type HookKind = 'gate' | 'first' | 'observer';

export interface HookDeclaration {
  readonly kind: HookKind;
  /** Which kind of process runs it. */
  readonly role: 'smtp' | 'worker';
  /** Sent when a call throws or is late: fail closed. Null where nothing is waiting for a reply (the worker defers). */
  readonly fallback: Reply | null;
}

const failed = reply(451, '4.3.0', 'Temporary failure while checking this; please try again later');

/** The table that the runner reads; its keys are those of `Hooks`, checked by the compiler. */
export const hookTable = {
  connect: { kind: 'gate', role: 'smtp', fallback: reply(421, '4.3.0', 'Temporary failure; please try again later') },
  helo: { kind: 'gate', role: 'smtp', fallback: failed },
  capabilities: { kind: 'gate', role: 'smtp', fallback: failed },
  auth: {
    kind: 'first',
    role: 'smtp',
    fallback: reply(454, '4.7.0', 'Temporary authentication failure; please try again later'),
  },
  mailFrom: { kind: 'gate', role: 'smtp', fallback: failed },
  rcptTo: { kind: 'gate', role: 'smtp', fallback: failed },
  data: { kind: 'gate', role: 'smtp', fallback: failed },
  message: { kind: 'gate', role: 'smtp', fallback: failed },
  command: { kind: 'first', role: 'smtp', fallback: failed },
  queue: { kind: 'first', role: 'smtp', fallback: failed },
  route: { kind: 'first', role: 'worker', fallback: null },
  deliver: { kind: 'first', role: 'worker', fallback: null },
  outcome: { kind: 'first', role: 'worker', fallback: null },
  transactionEnd: { kind: 'observer', role: 'smtp', fallback: null },
  queued: { kind: 'observer', role: 'smtp', fallback: null },
  delivered: { kind: 'observer', role: 'worker', fallback: null },
  deferred: { kind: 'observer', role: 'worker', fallback: null },
  bounced: { kind: 'observer', role: 'worker', fallback: null },
  disconnect: { kind: 'observer', role: 'smtp', fallback: null },
} as const satisfies { readonly [K in HookName]: HookDeclaration };
