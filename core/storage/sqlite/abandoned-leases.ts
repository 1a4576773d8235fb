import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Attempt, isFinal, type RecipientRecord } from '../../domain/message.ts';
import { interrupted } from '../rules/interrupted.ts';
import { outcomeMark } from '../rules/outcome-events.ts';
import { honourAll } from '../rules/queue-orders.ts';
import type { EventRows } from './event-rows.ts';
import type { QueueRow, QueueRows } from './queue-rows.ts';
import { parseRequests } from './requested-action.ts';

/** A recipient that was due when its message was claimed, and was not settled since. */
const wasInFlight = (recipient: RecipientRecord, row: QueueRow): boolean =>
  !isFinal(recipient.state) && recipient.nextAt !== null && recipient.nextAt <= (row.claimed_at ?? 0);

/**
 * Ends leases whose holder is gone, without knowing how far it came: at a start all of them, later those that ran out.
 * Their recipients are tried again after `ambiguous_delay`, and the log says that a copy may have been sent.
 */
export class AbandonedLeases {
  readonly #leased: StatementSync;
  readonly #facts: StatementSync;
  readonly #attempt: StatementSync;
  readonly #queue: QueueRows;
  readonly #events: EventRows;
  readonly #delay: number;

  constructor(database: DatabaseSync, parts: { queue: QueueRows; events: EventRows }, delayMilliseconds: number) {
    this.#queue = parts.queue;
    this.#events = parts.events;
    this.#delay = delayMilliseconds;
    this.#leased = database.prepare('SELECT seq FROM queue WHERE lease IS NOT NULL LIMIT ?');
    this.#facts = database.prepare("SELECT facts ->> 'id' AS id FROM facts WHERE seq = ?");
    this.#attempt = database.prepare('INSERT INTO attempts (seq, owner, credential, attempt) VALUES (?, ?, ?, ?)');
  }

  /** Entries that were leased when the database was last in use. */
  leased(limit: number): number[] {
    return this.#leased.all(limit).map((row) => Number(row.seq));
  }

  /** Ends the lease of an entry if it is still `lease` (any, where null). */
  end(seq: number, lease: number | null, now: number): void {
    const row = this.#queue.read(seq);
    if (row === undefined || row.lease === null || (lease !== null && row.lease !== lease)) return;
    const recipients = JSON.parse(row.recipients) as RecipientRecord[];
    const before = recipients.map(outcomeMark);
    const uncertain = recipients.filter((recipient) => wasInFlight(recipient, row));
    for (const recipient of uncertain) {
      recipient.state = 'deferred';
      recipient.attempts += 1;
      recipient.nextAt = now + this.#delay;
      recipient.lastReply = interrupted;
      recipient.ambiguous = true;
    }
    if (uncertain.length > 0) {
      const attempt = this.#attemptOf(row, uncertain, now);
      this.#attempt.run(seq, row.owner, row.credential, JSON.stringify(attempt));
    }
    honourAll(recipients, parseRequests(row.requested), now);
    this.#events.outcomes(row, before, recipients, now);
    this.#queue.save(row, { recipients, before, keepLease: false, requested: null, now });
  }

  #attemptOf(row: QueueRow, uncertain: readonly RecipientRecord[], now: number): Attempt {
    return {
      messageId: String(this.#facts.get(row.seq)?.id),
      at: row.claimed_at ?? now,
      upstream: uncertain[0]?.upstream ?? 'unknown',
      host: null,
      phase: 'dot-sent',
      tls: null,
      milliseconds: Math.max(0, now - (row.claimed_at ?? now)),
      ambiguous: true,
      results: uncertain.map(({ address, state }) => ({ recipient: address, state, reply: interrupted })),
    };
  }
}
