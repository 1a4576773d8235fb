import type { ErrorCode } from '../../domain/errors.ts';
import type { MessageOrigin } from '../../domain/message.ts';
import type { CounterTotal } from '../ports/counters.ts';
import type { WriteProcedures } from './procedures.ts';

/** Where a small body lies in the slab of its batch; large ones were written before, in `chunks` pieces. */
export interface BodyPlace {
  readonly chunks: number;
  readonly offset: number;
  readonly length: number;
}

/** An accepted message. The JSON is made once, on the thread that accepted it, and read once, where it is delivered. */
export interface MessageItem {
  readonly kind: 'message';
  readonly id: string;
  readonly origin: MessageOrigin;
  readonly ownerId: string;
  readonly credentialId: string | null;
  readonly acceptedAt: number;
  readonly sender: string;
  readonly messageId: string | null;
  /** JSON of `MessageFacts`. */
  readonly facts: string;
  /** JSON of `RecipientRecord[]`. */
  readonly recipients: string;
  body: BodyPlace;
}

export interface RefusalItem {
  readonly kind: 'refusal';
  readonly id: string;
  readonly outcome: 'refused' | 'reset' | 'aborted';
  readonly ownerId: string | null;
  readonly credentialId: string | null;
  readonly at: number;
  readonly sender: string;
  readonly recipients: readonly string[];
  /** JSON of `RefusalRecord`; null where this address already filled its minute: it is counted only. */
  readonly record: string | null;
}

/** One `Attempt`: what is counted of it, and its JSON. */
export interface AttemptItem {
  readonly upstream: string;
  readonly milliseconds: number;
  readonly json: string;
}

export interface SettlementItem {
  readonly kind: 'settlement';
  readonly seq: number;
  readonly lease: number;
  /** JSON of `Settlement.recipients`. */
  readonly recipients: string;
  readonly attempts: readonly AttemptItem[];
  readonly generated: readonly MessageItem[];
  readonly release: boolean;
}

export interface ClaimItem {
  readonly kind: 'claim';
  /** Chosen by the asker; the answer comes apart from that of the batch, once something is due. */
  readonly number: number;
  readonly limit: number;
  readonly leaseMilliseconds: number;
}

export interface ChunkItem {
  readonly kind: 'chunk';
  readonly id: string;
  readonly n: number;
  body: BodyPlace;
}

export interface CallItem {
  readonly kind: 'call';
  readonly method: keyof WriteProcedures;
  readonly parameters: readonly unknown[];
}

export type Item =
  | MessageItem
  | RefusalItem
  | SettlementItem
  | ClaimItem
  | ChunkItem
  | { readonly kind: 'cancel-claim'; readonly number: number }
  | { readonly kind: 'renew'; readonly leases: readonly Lease[]; readonly leaseMilliseconds: number }
  | { readonly kind: 'watch-events'; readonly on: boolean }
  | { readonly kind: 'begin-body' | 'abandon-body'; readonly id: string }
  | CallItem;

export type ItemKind = Item['kind'];

/** What a lease token says: the entry, and the number of the commit that leased it. */
export interface Lease {
  readonly seq: number;
  readonly lease: number;
}

/** One post to the writer: everything that came together while the batch before was in flight. */
export interface Batch {
  readonly batch: number;
  readonly items: readonly Item[];
  /** All small bodies and chunks, one after the other; transferred, not copied. */
  readonly slab: ArrayBuffer;
  readonly counters: readonly CounterTotal[];
}

export interface Failure {
  readonly failed: ErrorCode;
  readonly message: string;
}

/** The writer's answer to a batch; `answers` is null where every item succeeded and none has a result. */
export interface BatchAnswer {
  readonly batch: number;
  /** False where the transaction as a whole failed, counters included. */
  readonly stored: boolean;
  readonly answers: readonly unknown[] | null;
}

/** A claimed message on its way to the relay. `length` is -1 where the body has to be read in pieces. */
export interface ClaimedMessage {
  readonly seq: number;
  readonly lease: number;
  readonly until: number;
  readonly facts: string;
  readonly recipients: string;
  readonly offset: number;
  readonly length: number;
}

export interface ClaimAnswer {
  readonly claim: number;
  readonly messages: readonly ClaimedMessage[];
  readonly slab: ArrayBuffer;
}

/** First message on every port: where the database lies, for reading. */
export interface Greeting {
  readonly file: string;
}

/** To those who watch: events were stored since the last time. */
export interface EventNotice {
  readonly newestEvent: number;
}

export const isFailure = (answer: unknown): answer is Failure =>
  typeof answer === 'object' && answer !== null && 'failed' in answer;
