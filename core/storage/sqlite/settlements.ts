import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isFinal, type RecipientRecord } from '../../domain/message.ts';
import type { Settled, Settlement } from '../ports/delivery-store.ts';
import { outcomeMark } from '../rules/outcome-events.ts';
import { honourAll } from '../rules/queue-orders.ts';
import { bounceKind } from './entry-kind.ts';
import type { EventRows } from './event-rows.ts';
import type { MessageRows } from './message-rows.ts';
import type { SettlementItem } from './protocol.ts';
import type { QueueRows } from './queue-rows.ts';
import { parseRequests } from './requested-action.ts';
import type { Statistics } from './statistics.ts';

const lost: Settled = { status: 'lost', requested: null };

/** Writes what upstream transactions brought, each conditional on its lease. */
export class Settlements {
  readonly #attempt: StatementSync;
  readonly #parts: {
    readonly queue: QueueRows;
    readonly messages: MessageRows;
    readonly statistics: Statistics;
    readonly events: EventRows;
  };

  constructor(
    database: DatabaseSync,
    parts: { queue: QueueRows; messages: MessageRows; statistics: Statistics; events: EventRows },
  ) {
    this.#parts = parts;
    this.#attempt = database.prepare('INSERT INTO attempts (seq, owner, credential, attempt) VALUES (?, ?, ?, ?)');
  }

  settle(item: SettlementItem, slab: ArrayBuffer, now: number): Settled {
    const { queue, messages, statistics, events } = this.#parts;
    const row = queue.read(item.seq);
    if (row === undefined || row.lease !== item.lease) return lost;
    for (const message of item.generated) messages.check(message);
    for (const message of item.generated) messages.insert(message, slab, null, now);

    const recipients = JSON.parse(row.recipients) as RecipientRecord[];
    const before = recipients.map(outcomeMark);
    const counted = row.kind !== bounceKind;
    for (const { index, recipient } of JSON.parse(item.recipients) as Settlement['recipients']) {
      const tried = recipients[index];
      if (tried === undefined || isFinal(tried.state)) continue;
      const later = recipient.state === 'deferred' && recipient.attempts > tried.attempts;
      if (later && counted) statistics.deferred(row, recipient, now);
      recipients[index] = recipient;
    }
    for (const { upstream, milliseconds, json } of item.attempts) {
      this.#attempt.run(row.seq, row.owner, row.credential, json);
      if (counted) statistics.transaction(row, upstream, milliseconds, now);
    }

    const honoured = item.release ? parseRequests(row.requested) : [];
    honourAll(recipients, honoured, now);
    events.outcomes(row, before, recipients, now);
    const requested = item.release ? null : row.requested;
    queue.save(row, { recipients, before, keepLease: !item.release, requested, now });
    return { status: 'settled', requested: honoured.at(-1) ?? null };
  }
}
