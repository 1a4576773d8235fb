import type { AnyBulkWriteOperation, Collection } from 'mongodb';
import { SluiceError } from '../../../domain/errors.ts';
import { isFinal, type RecipientRecord } from '../../../domain/message.ts';
import type { Settled, Settlement } from '../../ports/delivery-store.ts';
import { honourAll } from '../../rules/queue-orders.ts';
import { within } from '../deadline.ts';
import { storeError } from '../store-error.ts';
import type { Attempts } from './attempts.ts';
import { type Bodies, piecesOf } from './bodies.ts';
import { newToken } from './commit-token.ts';
import { isUnwritable } from './durable-inserts.ts';
import type { EventOutbox } from './event-outbox.ts';
import type { GeneratedMessages } from './generated-messages.ts';
import type { HeldMessages } from './held-messages.ts';
import { derivedState, type MessageDocument, type OutgoingMessage } from './message-documents.ts';
import { outcomeEvents } from './message-events.ts';
import type { Moment, Moments } from './moments.ts';
import { changed, type RecordChange, updateOf } from './record-change.ts';
import { placeOf, placesOf } from './slot.ts';
import type { Statistics } from './statistics.ts';
import { WriteBatches } from './write-batches.ts';

export interface SettlementParts {
  readonly messages: Collection<MessageDocument>;
  readonly bodies: Bodies;
  readonly attempts: Attempts;
  readonly held: HeldMessages;
  readonly generated: GeneratedMessages;
  readonly statistics: Statistics;
  readonly events: EventOutbox;
  readonly moments: Moments;
  /** Told when something that is due now may be claimed again. */
  readonly onDue: () => void;
}

interface Item {
  readonly settlement: Settlement;
  /** The same for every try of one settlement, so that a repeated one is known. */
  readonly token: string;
  readonly outgoing: readonly OutgoingMessage[];
}

interface Plan {
  readonly item: Item;
  readonly before: MessageDocument;
  readonly change: RecordChange;
  readonly settled: Settled;
}

const lost: Settled = { status: 'lost', requested: null };

/**
 * Writes what upstream transactions brought, each by one update that is conditional on the lease and on the record as
 * this process knows it. Reports ride in that update: they are stored with it, or not at all.
 */
export class Settlements {
  readonly #parts: SettlementParts;
  readonly #writes: WriteBatches<Item, Settled>;
  readonly #tokens = new WeakMap<Settlement, string>();

  constructor(parts: SettlementParts) {
    this.#parts = parts;
    this.#writes = new WriteBatches(({ items, deadline }) => this.#write(items, deadline));
  }

  async settle(settlement: Settlement): Promise<Settled> {
    let token = this.#tokens.get(settlement);
    if (token === undefined) {
      token = newToken();
      this.#tokens.set(settlement, token);
    }
    const outgoing =
      settlement.generated.length === 0 ? [] : await this.#parts.generated.prepare(settlement.generated, token);
    const size = settlement.recipients.length * 512 + settlement.attempts.length * 512 + outgoing.length * 4_096;
    return this.#writes.add({ settlement, token, outgoing }, size);
  }

  drained(): Promise<void> {
    return this.#writes.drained();
  }

  async #write(items: readonly Item[], deadline: number): Promise<(Settled | SluiceError)[]> {
    const answers = new Map<Item, Settled | SluiceError>();
    let error: SluiceError | null = null;
    for (let left = items; left.length > 0 && performance.now() < deadline; ) {
      try {
        await within(deadline - performance.now(), this.#round(left, answers));
      } catch (thrown) {
        error = storeError(thrown);
        if (left.length > 1 && isUnwritable(thrown)) {
          // One of them cannot be written; the others shall not wait for it.
          for (const item of left) {
            const [answer = error] = await this.#write([item], deadline);
            answers.set(item, answer);
          }
          break;
        }
        for (const { settlement } of left) this.#parts.held.forget(settlement.lease.token);
        break;
      }
      left = left.filter((item) => !answers.has(item));
    }
    const late = error ?? new SluiceError('STORE_UNAVAILABLE', 'The database was too slow to take an outcome');
    return items.map((item) => answers.get(item) ?? late);
  }

  /** One try for each message: of several settlements of one message the next waits for the next round. */
  async #round(items: readonly Item[], answers: Map<Item, Settled | SluiceError>): Promise<void> {
    const { messages, attempts } = this.#parts;
    const moment = this.#parts.moments.current();
    const { now } = moment;
    const first = new Map<string, Item>();
    for (const item of items) {
      const { messageId } = item.settlement.lease;
      if (!first.has(messageId)) first.set(messageId, item);
    }
    const known = await this.#known([...first.values()]);
    const plans: Plan[] = [];
    for (const item of first.values()) {
      const before = known.get(item);
      if (before?.settled?.includes(item.token)) {
        answers.set(item, { status: 'settled', requested: null });
      } else if (before?.lease?.token !== item.settlement.lease.token) {
        // Bodies of reports are left to the sweep: an earlier try of this settlement may have been written after all.
        answers.set(item, lost);
      } else {
        plans.push(this.#plan(item, before, moment));
      }
    }
    if (plans.length > 0) {
      await attempts.keep(plans.map(({ before, change }) => ({ before, added: change.attempts.length })));
      const operations = plans.map(
        ({ before, change, item }): AnyBulkWriteOperation<MessageDocument> => ({
          updateOne: {
            filter: { ...placeOf(before._id), rev: before.rev, 'lease.token': item.settlement.lease.token },
            update: updateOf(before, change),
          },
        }),
      );
      const { matchedCount } = await messages.bulkWrite(operations, { ordered: false });
      const written = matchedCount === plans.length ? plans : await this.#written(plans);
      await this.#follow(written, now);
      for (const plan of written) answers.set(plan.item, plan.settled);
    }
  }

  /** The records as they stand: from memory where this process has them. */
  async #known(items: readonly Item[]): Promise<Map<Item, MessageDocument>> {
    const { held, messages } = this.#parts;
    const known = new Map<Item, MessageDocument>();
    const unknown: Item[] = [];
    for (const item of items) {
      const document = held.get(item.settlement.lease.token);
      if (document === undefined) unknown.push(item);
      else known.set(item, document);
    }
    if (unknown.length > 0) {
      const found = await messages
        .find(placesOf(unknown.map(({ settlement }) => settlement.lease.messageId)))
        .toArray();
      const byId = new Map(found.map((document) => [document._id, document]));
      for (const item of unknown) {
        const document = byId.get(item.settlement.lease.messageId);
        if (document !== undefined) known.set(item, document);
      }
    }
    return known;
  }

  #plan(item: Item, before: MessageDocument, moment: Moment): Plan {
    const { settlement, token, outgoing } = item;
    const { release } = settlement;
    const recipients: RecipientRecord[] = before.recipients.map((recipient) => ({ ...recipient }));
    for (const { index, recipient } of settlement.recipients) {
      const tried = recipients[index];
      if (tried !== undefined && !isFinal(tried.state)) recipients[index] = { ...recipient };
    }
    const orders = release ? (before.requested ?? []) : [];
    honourAll(recipients, orders, moment.now);
    const state = derivedState(recipients, { ...moment, leased: !release });
    const change: RecordChange = {
      state,
      events: outcomeEvents(before, {
        rev: before.rev + 1,
        before: before.recipients,
        after: recipients,
        at: moment.now,
      }),
      keepLease: !release,
      requested: release ? undefined : before.requested,
      settled: [...(before.settled ?? []), token],
      attempts: settlement.attempts,
      outgoing,
    };
    return { item, before, change, settled: { status: 'settled', requested: orders.at(-1) ?? null } };
  }

  /** Which of these updates came to pass; what is known of the others is forgotten, so that they are read again. */
  async #written(plans: readonly Plan[]): Promise<Plan[]> {
    const { messages, held } = this.#parts;
    const rows = await messages
      .find(placesOf(plans.map(({ before }) => before._id)))
      .project<{ settled?: readonly string[] }>({ _id: 0, settled: 1 })
      .toArray();
    const tokens = new Set(rows.flatMap(({ settled }) => settled ?? []));
    const written = plans.filter(({ item }) => tokens.has(item.token));
    for (const { item } of plans) if (!tokens.has(item.token)) held.forget(item.settlement.lease.token);
    return written;
  }

  /** What follows from settlements that are durable: counts, reports, bodies that nobody needs any more. */
  async #follow(plans: readonly Plan[], now: number): Promise<void> {
    const { statistics, held, generated, bodies, events, onDue } = this.#parts;
    events.publish(
      plans.map(({ before, change }) => ({
        id: before._id,
        earlier: before.events,
        events: change.events ?? [],
      })),
    );
    await statistics.prepare(
      plans.map(({ before }) => before),
      now,
    );
    const gone = [];
    const outgoing = new Map<string, readonly OutgoingMessage[]>();
    let due = false;
    for (const { before, change, item } of plans) {
      const { settlement, outgoing: made } = item;
      this.#count(before, change, settlement, now);
      if (settlement.release) held.forget(settlement.lease.token);
      else held.set(settlement.lease.token, changed(before, change));
      if (change.state.open === undefined && change.state.purgeAt === undefined) {
        gone.push(...piecesOf(before._id, before.chunks));
      }
      if (made.length > 0) outgoing.set(before._id, made);
      due ||= change.state.due !== undefined && change.state.due <= now;
    }
    await Promise.all([
      statistics.save(),
      // What is not deleted now the sweeper finds, and what is not sent on now, too.
      gone.length === 0 ? null : bodies.remove(gone).catch(() => undefined),
      outgoing.size === 0 ? null : generated.publish(outgoing).catch(() => undefined),
    ]);
    if (due) onDue();
  }

  #count(before: MessageDocument, { state }: RecordChange, settlement: Settlement, now: number): void {
    const { statistics } = this.#parts;
    for (const { index, recipient } of settlement.recipients) {
      const tried = before.recipients[index];
      if (tried === undefined || isFinal(tried.state)) continue;
      if (recipient.state === 'deferred' && recipient.attempts > tried.attempts) {
        statistics.deferred(before, recipient, now);
      }
    }
    for (const { upstream, milliseconds } of settlement.attempts) {
      statistics.transaction(before, upstream, milliseconds, now);
    }
    statistics.changed(before, before.recipients, state.recipients, now);
  }
}
