import type { Attempt, MessageRecord, RecipientRecord, RequestedAction } from '../../domain/message.ts';
import type { NewMessage } from './message-store.ts';

/** The right to work on a message until `until`; every write of the worker is conditional on its token. */
export interface Lease {
  readonly messageId: string;
  readonly token: string;
  until: number;
}

export interface Claim {
  readonly record: MessageRecord;
  readonly lease: Lease;
  /** The whole body where it is small; else read it by `readChunk`. */
  readonly body: Uint8Array | null;
}

/** What one upstream transaction brought; written in the next group commit, conditional on the lease. */
export interface Settlement {
  readonly lease: Lease;
  /** New state of the recipients that were tried, by index into the record's recipients. */
  readonly recipients: readonly { readonly index: number; readonly recipient: RecipientRecord }[];
  readonly attempts: readonly Attempt[];
  /** Bounces and success reports that this outcome brings forth; stored in the same commit, or not at all. */
  readonly generated: readonly NewMessage[];
  /** True for the last one of this claim: the lease ends. */
  readonly release: boolean;
}

/** `lost`: the lease was gone, nothing was written. `requested` is the last order honoured in this settlement. */
export interface Settled {
  readonly status: 'settled' | 'lost';
  readonly requested: RequestedAction | null;
}

/** The worker's side of the spool. */
export interface DeliveryStore {
  /**
   * Claims up to `limit` messages with a due recipient, oldest first, each by one conditional update. Waits until there
   * is at least one, or until the signal aborts (then: none). A fresh message comes with its body, without another read.
   */
  claim(options: { limit: number; worker: string; leaseMilliseconds: number; signal: AbortSignal }): Promise<Claim[]>;
  /** Prolongs leases; answers the tokens that were lost. */
  renew(leases: readonly Lease[], leaseMilliseconds: number): Promise<readonly string[]>;
  /**
   * To be asked before the last piece of a message and its final dot are sent to an upstream: whether the lease still
   * holds, and if so it is on record that these recipients (by index) may have got it. False: drop the connection.
   * Absent where no other process can have taken the message over meanwhile.
   */
  tellDot?(lease: Lease, recipients: readonly number[]): Promise<boolean>;
  settle(settlement: Settlement): Promise<Settled>;
  readChunk(id: string, n: number): Promise<Uint8Array | null>;
  /** Everything that a breaker of this upstream held back becomes due now, spread over `spreadMilliseconds`. */
  wakeUpstream(upstream: string, spreadMilliseconds: number): Promise<number>;
}
