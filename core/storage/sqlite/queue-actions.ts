import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isFinal, type RecipientRecord, type RequestedAction } from '../../domain/message.ts';
import type { QueueAction } from '../ports/mail-log.ts';
import { idBytes, isMessageId } from './message-id.ts';
import type { Names } from './names.ts';
import { isPostponed, type QueueRow, type QueueRows } from './queue-rows.ts';
import { honour, parseRequest } from './requested-action.ts';

export type ActionAnswer = 'done' | 'requested' | 'unchanged' | 'not-found';

/** How many messages a recovered upstream wakes in one transaction. */
export const wakeBatch = 500;

function makeDue(recipient: RecipientRecord, at: number): void {
  recipient.state = recipient.attempts > 0 ? 'deferred' : 'queued';
  recipient.nextAt = at;
  delete recipient.postponed;
}

/** What operators and the breaker do to waiting messages. */
export class QueueActionRows {
  readonly #seq: StatementSync;
  readonly #postponed: StatementSync;
  readonly #request: StatementSync;
  readonly #queue: QueueRows;
  readonly #names: Names;

  constructor(database: DatabaseSync, parts: { queue: QueueRows; names: Names }) {
    this.#queue = parts.queue;
    this.#names = parts.names;
    this.#seq = database.prepare('SELECT seq FROM entries WHERE id = ? AND kind < 3');
    this.#postponed = database.prepare(
      'SELECT seq FROM queue WHERE postponed_by = ? AND postponed_by IS NOT NULL AND lease IS NULL LIMIT ?',
    );
    this.#request = database.prepare('UPDATE queue SET requested = ? WHERE seq = ?');
  }

  act(id: string, action: QueueAction, now: number): ActionAnswer {
    const found = isMessageId(id) ? this.#seq.get(idBytes(id)) : undefined;
    if (found === undefined) return 'not-found';
    const row = this.#queue.read(Number(found.seq));
    if (row === undefined) return 'unchanged';
    return row.lease === null ? this.#change(row, action, now) : this.#askHolder(row, action);
  }

  /** Makes up to `wakeBatch` messages due that the breaker of `upstream` held back; answers how many. */
  wake(upstream: string, spreadMilliseconds: number, now: number): number {
    const rows = this.#postponed.all(this.#names.number(upstream), wakeBatch);
    for (const { seq } of rows) {
      const row = this.#queue.read(Number(seq));
      if (row === undefined) continue;
      const recipients = JSON.parse(row.recipients) as RecipientRecord[];
      const at = now + Math.floor(Math.random() * spreadMilliseconds);
      for (const recipient of recipients) {
        if (isPostponed(recipient) && recipient.upstream === upstream) {
          recipient.nextAt = at;
          delete recipient.postponed;
        }
      }
      this.#queue.save(row, { recipients, keepLease: false, requested: null, now });
    }
    return rows.length;
  }

  #change(row: QueueRow, action: QueueAction, now: number): ActionAnswer {
    const recipients = JSON.parse(row.recipients) as RecipientRecord[];
    let changed = false;
    if (action === 'cancel' || action === 'hold') {
      changed = honour(recipients, { do: action }, now);
    } else {
      for (const recipient of recipients) {
        if (isFinal(recipient.state) || (recipient.state === 'held') !== (action === 'release')) continue;
        makeDue(recipient, now);
        changed = true;
      }
    }
    if (!changed) return 'unchanged';
    this.#queue.save(row, { recipients, keepLease: false, requested: null, now });
    return 'done';
  }

  /** A worker holds the message: it is asked to honour this when it settles. A retry is what it is doing anyway. */
  #askHolder(row: QueueRow, action: QueueAction): ActionAnswer {
    const before = parseRequest(row.requested);
    if (action === 'retry') return 'unchanged';
    if (action === 'release') {
      if (before?.do !== 'hold') return 'unchanged';
      this.#request.run(null, row.seq);
      return 'done';
    }
    const request: RequestedAction = { do: action };
    this.#request.run(JSON.stringify(request), row.seq);
    return 'requested';
  }
}
