import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { QueueOrder, RecipientRecord } from '../../domain/message.ts';
import type { OrderCounts } from '../ports/mail-log.ts';
import { isPostponed } from '../rules/due-time.ts';
import { isMessageId } from '../rules/message-id.ts';
import { outcomeMark } from '../rules/outcome-events.ts';
import { honour } from '../rules/queue-orders.ts';
import type { EventRows } from './event-rows.ts';
import { idBytes } from './message-id.ts';
import type { Names } from './names.ts';
import type { QueueRow, QueueRows } from './queue-rows.ts';
import { parseRequests } from './requested-action.ts';

export type ActionAnswer = 'done' | 'requested' | 'unchanged' | 'not-found';

/** How many messages a recovered upstream wakes in one transaction. */
export const wakeBatch = 500;

/** How many orders may wait for the worker of one message. */
const mostRequests = 50;

/** What operators and the breaker do to waiting messages. */
export class QueueActionRows {
  readonly #seq: StatementSync;
  readonly #postponed: StatementSync;
  readonly #request: StatementSync;
  readonly #queue: QueueRows;
  readonly #names: Names;
  readonly #events: EventRows;

  constructor(database: DatabaseSync, parts: { queue: QueueRows; names: Names; events: EventRows }) {
    this.#queue = parts.queue;
    this.#names = parts.names;
    this.#events = parts.events;
    this.#seq = database.prepare('SELECT seq FROM entries WHERE id = ? AND kind < 3');
    this.#postponed = database.prepare(
      'SELECT seq FROM queue WHERE postponed_by = ? AND postponed_by IS NOT NULL AND lease IS NULL LIMIT ?',
    );
    this.#request = database.prepare('UPDATE queue SET requested = ? WHERE seq = ?');
  }

  act(id: string, order: QueueOrder, now: number): ActionAnswer {
    const found = isMessageId(id) ? this.#seq.get(idBytes(id)) : undefined;
    if (found === undefined) return 'not-found';
    const row = this.#queue.read(Number(found.seq));
    if (row === undefined) return 'unchanged';
    return row.lease === null ? this.#change(row, order, now) : this.#askHolder(row, order);
  }

  actOn(ids: readonly string[], order: QueueOrder, now: number): OrderCounts {
    const counts = { done: 0, requested: 0, unchanged: 0 };
    for (const id of ids) {
      const answer = this.act(id, order, now);
      counts[answer === 'not-found' ? 'unchanged' : answer] += 1;
    }
    return counts;
  }

  /** Makes up to `wakeBatch` messages due that the breaker of `upstream` held back; answers how many. */
  wake(upstream: string, spreadMilliseconds: number, now: number): number {
    const rows = this.#postponed.all(this.#names.number(upstream), wakeBatch);
    for (const { seq } of rows) {
      const row = this.#queue.read(Number(seq));
      if (row === undefined) continue;
      const recipients = JSON.parse(row.recipients) as RecipientRecord[];
      const before = recipients.map(outcomeMark);
      const at = now + Math.floor(Math.random() * spreadMilliseconds);
      for (const recipient of recipients) {
        if (isPostponed(recipient) && recipient.upstream === upstream) {
          recipient.nextAt = at;
          delete recipient.postponed;
        }
      }
      this.#queue.save(row, { recipients, before, keepLease: false, requested: null, now });
    }
    return rows.length;
  }

  #change(row: QueueRow, order: QueueOrder, now: number): ActionAnswer {
    const recipients = JSON.parse(row.recipients) as RecipientRecord[];
    const before = recipients.map(outcomeMark);
    if (honour(recipients, order, now).length === 0) return 'unchanged';
    this.#events.outcomes(row, before, recipients, now);
    this.#queue.save(row, { recipients, before, keepLease: false, requested: null, now });
    // Reports to senders are the worker's to write.
    return order.do === 'bounce' ? 'requested' : 'done';
  }

  /** A worker holds the message: it is asked to honour this when it settles. A retry is what it is doing anyway. */
  #askHolder(row: QueueRow, order: QueueOrder): ActionAnswer {
    if (order.do === 'retry') return 'unchanged';
    const before = parseRequests(row.requested);
    const wanted = JSON.stringify(order);
    if (before.length >= mostRequests || before.some((one) => JSON.stringify(one) === wanted)) return 'unchanged';
    if (order.do === 'release' && order.of === undefined) return this.#release(row, before, order);
    // What is asked of all recipients stands instead of what was asked of some.
    this.#request.run(JSON.stringify(order.of === undefined ? [order] : [...before, order]), row.seq);
    return 'requested';
  }

  /** Takes back what was asked, and asks for the release of recipients that are held already. */
  #release(row: QueueRow, before: readonly QueueOrder[], order: QueueOrder): ActionAnswer {
    const held = (JSON.parse(row.recipients) as RecipientRecord[]).some(({ state }) => state === 'held');
    const orders = before.filter((one) => one.do !== 'hold');
    if (!held && orders.length === before.length) return 'unchanged';
    const kept = held ? [...orders, order] : orders;
    this.#request.run(kept.length === 0 ? null : JSON.stringify(kept), row.seq);
    return held ? 'requested' : 'done';
  }
}
