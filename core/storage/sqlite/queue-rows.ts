import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isFinal, type RecipientRecord } from '../../domain/message.ts';
import { earliest, isPostponed } from '../rules/due-time.ts';
import type { OutcomeMark } from '../rules/outcome-events.ts';
import { addTally, type Counts, countStates, hasFailed, noCounts, openCount, tallyText } from '../rules/tally.ts';
import { dayMilliseconds } from '../rules/time-spans.ts';
import type { Bodies } from './bodies.ts';
import { lastClosedDay } from './conservation.ts';
import { bounceKind } from './entry-kind.ts';
import type { Names } from './names.ts';
import type { Statistics } from './statistics.ts';
import type { StoreRow } from './store-row.ts';

/** An open message as the table holds it. */
export interface QueueRow {
  readonly seq: number;
  /** 0 smtp, 1 submitted, 2 bounce. */
  readonly kind: number;
  readonly owner: number;
  readonly credential: number;
  readonly accepted_at: number;
  readonly chunks: number;
  readonly recipients: string;
  readonly tally: string;
  readonly next_at: number | null;
  readonly lease: number | null;
  readonly claimed_at: number | null;
  readonly requested: string | null;
}

export interface Change {
  readonly recipients: readonly RecipientRecord[];
  /** How they were before, in the same order. */
  readonly before: readonly OutcomeMark[];
  /** True where the lease goes on. */
  readonly keepLease: boolean;
  /** JSON of the orders that wait for the worker. */
  readonly requested: string | null;
  readonly now: number;
}

/** Open messages: every change of their recipients goes through `save`, which moves a finished one to the outcomes. */
export class QueueRows {
  readonly #insert: StatementSync;
  readonly #read: StatementSync;
  readonly #update: StatementSync;
  readonly #remove: StatementSync;
  readonly #finish: StatementSync;
  readonly #store: StoreRow;
  readonly #names: Names;
  readonly #bodies: Bodies;
  readonly #statistics: Statistics;
  /** Last closed day of the conservation sum: a clock that steps back must not add to it. */
  closedDay: number;

  constructor(
    database: DatabaseSync,
    parts: { store: StoreRow; names: Names; bodies: Bodies; statistics: Statistics },
  ) {
    this.closedDay = lastClosedDay(database);
    this.#store = parts.store;
    this.#names = parts.names;
    this.#bodies = parts.bodies;
    this.#statistics = parts.statistics;
    this.#insert = database.prepare(
      `INSERT INTO queue
         (seq, kind, owner, credential, accepted_at, chunks, recipients, tally, next_at, lease, claimed_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#read = database.prepare(
      `SELECT seq, kind, owner, credential, accepted_at, chunks, recipients, tally, next_at, lease, claimed_at,
         requested
       FROM queue WHERE seq = ?`,
    );
    this.#update = database.prepare(
      `UPDATE queue SET recipients = ?, tally = ?, next_at = ?, lease = ?, requested = ?, postponed_by = ? WHERE seq = ?`,
    );
    this.#remove = database.prepare('DELETE FROM queue WHERE seq = ?');
    this.#finish = database.prepare(
      'INSERT INTO outcomes (seq, recipients, tally, final_day, failed) VALUES (?, ?, ?, ?, ?)',
    );
  }

  read(seq: number): QueueRow | undefined {
    return this.#read.get(seq) as QueueRow | undefined;
  }

  /** Inserts a message that was just accepted, leased from the start where `lease` is a number. */
  insert(row: Omit<QueueRow, 'tally' | 'claimed_at' | 'requested'>, counts: Counts, now: number): void {
    this.#insert.run(
      row.seq,
      row.kind,
      row.owner,
      row.credential,
      row.accepted_at,
      row.chunks,
      row.recipients,
      tallyText(counts),
      row.next_at,
      row.lease,
      row.lease === null ? null : now,
    );
    this.#store.count(counts, 1);
  }

  /** A message whose recipients are all final; also used for those that were so from the start. */
  finish(seq: number, recipients: string, counts: Counts, now: number): void {
    this.#finish.run(
      seq,
      recipients,
      tallyText(counts),
      Math.max(Math.floor(now / dayMilliseconds), this.closedDay + 1),
      hasFailed(counts) ? 1 : 0,
    );
  }

  /** Writes new states of a message's recipients, and all that follows from them. */
  save(row: QueueRow, change: Change): void {
    const { recipients, now } = change;
    const before = noCounts();
    addTally(before, row.tally, 1);
    const counts = countStates(recipients);
    this.#count(row, change);
    this.#store.count(before, -1);
    const text = JSON.stringify(recipients);
    if (openCount(counts) === 0) {
      this.#remove.run(row.seq);
      this.finish(row.seq, text, counts, now);
      this.#bodies.dispose(row.seq, row.chunks, counts.captured > 0, now);
      return;
    }
    this.#store.count(counts, 1);
    const postponed = recipients.find(isPostponed);
    this.#update.run(
      text,
      tallyText(counts),
      earliest(recipients),
      change.keepLease ? row.lease : null,
      change.requested,
      postponed?.upstream == null ? null : this.#names.number(postponed.upstream),
      row.seq,
    );
  }

  #count(row: QueueRow, { recipients, before, now }: Change): void {
    if (row.kind === bounceKind) return;
    for (const [index, recipient] of recipients.entries()) {
      const { state } = recipient;
      if (isFinal(state) && before[index]?.state !== state) this.#statistics.finished(row, recipient, state, now);
    }
  }
}
