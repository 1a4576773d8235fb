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
    const marks = recipients.map(outcomeMark);
    let later = 0;
    for (const { index, recipient } of JSON.parse(item.recipients) as Settlement['recipients']) {
      const before = recipients[index];
      if (before === undefined || isFinal(before.state)) continue;
      if (recipient.state === 'deferred' && recipient.attempts > before.attempts) later += 1;
      recipients[index] = recipient;
    }
    if (later > 0 && row.kind !== bounceKind) statistics.add(row.owner, row.credential, now, 'deferred', later);
    for (const attempt of item.attempts) this.#attempt.run(row.seq, row.owner, row.credential, attempt);

    const honoured = item.release ? parseRequests(row.requested) : [];
    honourAll(recipients, honoured, now);
    events.outcomes(row, marks, recipients, now);
    queue.save(row, { recipients, keepLease: !item.release, requested: item.release ? null : row.requested, now });
    return { status: 'settled', requested: honoured.at(-1) ?? null };
  }
}
