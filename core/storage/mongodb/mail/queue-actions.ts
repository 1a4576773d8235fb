import type { Collection } from 'mongodb';
import type { QueueOrder, RecipientRecord } from '../../../domain/message.ts';
import type { AuditEntry } from '../../ports/audit-log.ts';
import type { OrderCounts, QueueActions } from '../../ports/mail-log.ts';
import { isPostponed } from '../../rules/due-time.ts';
import { isMessageId } from '../../rules/message-id.ts';
import { honour } from '../../rules/queue-orders.ts';
import { type AuditOutbox, auditDocument } from '../audit-outbox.ts';
import type { MongodbDatabase } from '../client.ts';
import { isDuplicateKey } from '../store-error.ts';
import { type Bodies, piecesOf } from './bodies.ts';
import type { EventOutbox } from './event-outbox.ts';
import { derivedState, type MessageDocument } from './message-documents.ts';
import { outcomeEvents } from './message-events.ts';
import type { Moments } from './moments.ts';
import { type RecordChange, updateOf } from './record-change.ts';
import { placeOf } from './slot.ts';
import type { Statistics } from './statistics.ts';

type ActionAnswer = Awaited<ReturnType<QueueActions['act']>>;

/** How many orders may wait for the worker of one message. */
const mostRequests = 50;
/** Messages changed at once by an order for many. */
const together = 20;
/** How many messages a recovered upstream wakes in one go. */
const wakeBatch = 500;

export interface QueueActionParts {
  readonly database: MongodbDatabase;
  readonly statistics: Statistics;
  readonly events: EventOutbox;
  readonly bodies: Bodies;
  readonly moments: Moments;
  readonly audit: AuditOutbox;
  /** Told when something may be claimed that could not be before. */
  readonly onDue: () => void;
}

interface Planned {
  readonly answer: ActionAnswer;
  readonly change: RecordChange | null;
}

const unchanged: Planned = { answer: 'unchanged', change: null };

/** What operators and the breaker do to waiting messages, each by an update conditional on the record as it was read. */
export class MongodbQueueActions implements QueueActions {
  readonly #parts: QueueActionParts;
  readonly #messages: Collection<MessageDocument>;

  constructor(parts: QueueActionParts) {
    this.#parts = parts;
    this.#messages = parts.database.collection('messages');
  }

  async act(id: string, order: QueueOrder, audit?: AuditEntry): Promise<ActionAnswer> {
    const answer = await this.#apply(id, order, audit);
    if (answer === 'done' || answer === 'requested') {
      await this.#parts.audit.publish('messages', id, audit);
      this.#parts.onDue();
    }
    return answer;
  }

  async actOn(ids: readonly string[], order: QueueOrder, audit?: AuditEntry): Promise<OrderCounts> {
    const counts = { done: 0, requested: 0, unchanged: 0 };
    const carriers: string[] = [];
    for (let from = 0; from < ids.length; from += together) {
      const some = ids.slice(from, from + together);
      const answers = await Promise.all(some.map((id) => this.#apply(id, order, audit)));
      answers.forEach((answer, index) => {
        counts[answer === 'not-found' ? 'unchanged' : answer] += 1;
        if (answer === 'done' || answer === 'requested') carriers.push(some[index] ?? '');
      });
    }
    if (audit !== undefined && carriers.length > 0) {
      await this.#append({ ...audit, after: { ...audit.after, ...counts } });
      // It is in the log; the messages that carried it, should this process have ended, carry it no longer.
      await Promise.all(carriers.map((id) => this.#parts.audit.publish('messages', id, audit)));
    }
    this.#parts.onDue();
    return counts;
  }

  /** Makes everything due that the breaker of `upstream` held back, spread over a time; answers how many messages. */
  async wakeUpstream(upstream: string, spreadMilliseconds: number): Promise<number> {
    let woken = 0;
    for (;;) {
      const found = await this.#ask(() =>
        this.#messages
          .find({ postponedBy: upstream, due: { $gte: 0 } })
          .limit(wakeBatch)
          .toArray(),
      );
      let now = 0;
      for (let from = 0; from < found.length; from += together) {
        const some = found.slice(from, from + together);
        const done = await Promise.all(some.map((one) => this.#wake(one, upstream, spreadMilliseconds)));
        now += done.filter((one) => one).length;
      }
      woken += now;
      // What somebody else changed meanwhile is found again; where all of it was, its own settlement says when it is due.
      if (found.length < wakeBatch || now === 0) break;
    }
    if (woken > 0) this.#parts.onDue();
    return woken;
  }

  async #wake(before: MessageDocument, upstream: string, spreadMilliseconds: number): Promise<boolean> {
    const at = Date.now() + Math.floor(Math.random() * spreadMilliseconds);
    const recipients: RecipientRecord[] = before.recipients.map((recipient) => ({ ...recipient }));
    for (const recipient of recipients) {
      if (isPostponed(recipient) && recipient.upstream === upstream) {
        recipient.nextAt = at;
        delete recipient.postponed;
      }
    }
    return this.#change(before, {
      state: derivedState(recipients, { ...this.#parts.moments.current(), leased: false }),
      keepLease: false,
      requested: undefined,
      attempts: [],
    });
  }

  async #apply(id: string, order: QueueOrder, audit: AuditEntry | undefined): Promise<ActionAnswer> {
    if (!isMessageId(id)) return 'not-found';
    for (;;) {
      const before = await this.#ask(() => this.#messages.findOne({ ...placeOf(id), kind: 'message' }));
      if (before === null) return 'not-found';
      const { answer, change } = this.#plan(before, order);
      if (change === null) return answer;
      const carried = { ...change, ...(audit === undefined ? {} : { audit: auditDocument(audit) }) };
      if (await this.#change(before, carried)) return answer;
    }
  }

  #plan(before: MessageDocument, order: QueueOrder): Planned {
    if (before.open === undefined) return unchanged;
    if (before.lease !== undefined) return this.#askHolder(before, order);
    const now = Date.now();
    const recipients: RecipientRecord[] = before.recipients.map((recipient) => ({ ...recipient }));
    if (honour(recipients, order, now).length === 0) return unchanged;
    const change = {
      state: derivedState(recipients, { ...this.#parts.moments.current(), leased: false }),
      keepLease: false,
      requested: undefined,
      attempts: [],
    };
    // Reports to senders are the worker's to write.
    return { answer: order.do === 'bounce' ? 'requested' : 'done', change };
  }

  /** A worker holds the message: it is asked to honour this when it settles. A retry is what it is doing anyway. */
  #askHolder(before: MessageDocument, order: QueueOrder): Planned {
    if (order.do === 'retry') return unchanged;
    const requests = before.requested ?? [];
    const wanted = JSON.stringify(order);
    if (requests.length >= mostRequests || requests.some((one) => JSON.stringify(one) === wanted)) return unchanged;
    if (order.do === 'release' && order.of === undefined) return this.#release(before, requests, order);
    // What is asked of all recipients stands instead of what was asked of some.
    return {
      answer: 'requested',
      change: this.#request(before, order.of === undefined ? [order] : [...requests, order]),
    };
  }

  /** Takes back what was asked, and asks for the release of recipients that are held already. */
  #release(before: MessageDocument, requests: readonly QueueOrder[], order: QueueOrder): Planned {
    const held = before.recipients.some(({ state }) => state === 'held');
    const orders = requests.filter((one) => one.do !== 'hold');
    if (!held && orders.length === requests.length) return unchanged;
    const change = this.#request(before, held ? [...orders, order] : orders);
    return { answer: held ? 'requested' : 'done', change };
  }

  #request(before: MessageDocument, orders: readonly QueueOrder[]): RecordChange {
    return {
      state: derivedState(before.recipients, { ...this.#parts.moments.current(), leased: true }),
      keepLease: true,
      requested: orders.length === 0 ? undefined : orders,
      attempts: [],
    };
  }

  /** False where the record is not what it was any more. */
  async #change(before: MessageDocument, change: RecordChange): Promise<boolean> {
    const { statistics, bodies, events } = this.#parts;
    const { recipients } = change.state;
    const told = outcomeEvents(before, {
      rev: before.rev + 1,
      before: before.recipients,
      after: recipients,
      at: Date.now(),
    });
    const update = updateOf(before, { ...change, events: told });
    const { matchedCount } = await this.#ask(() =>
      this.#messages.updateOne({ ...placeOf(before._id), rev: before.rev }, update),
    );
    if (matchedCount === 0) return false;
    events.publish([{ id: before._id, earlier: before.events, events: told }]);
    statistics.changed(before, before.recipients, change.state.recipients, Date.now());
    const final = change.state.open === undefined && change.state.purgeAt === undefined;
    await Promise.all([
      statistics.save(),
      // What is not deleted now the sweeper finds.
      final ? bodies.remove(piecesOf(before._id, before.chunks)).catch(() => undefined) : null,
    ]);
    return true;
  }

  async #append(entry: AuditEntry): Promise<void> {
    try {
      await this.#ask(() => this.#parts.database.collection('audit_log').insertOne(auditDocument(entry)));
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  #ask<T>(operation: () => Promise<T>): Promise<T> {
    return this.#parts.database.ask(operation);
  }
}
