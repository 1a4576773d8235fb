import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SluiceError } from '../../domain/errors.ts';
import { isFinal, type RecipientRecord } from '../../domain/message.ts';
import { earliest } from '../rules/due-time.ts';
import { countStates, openCount } from '../rules/tally.ts';
import type { Bodies } from './bodies.ts';
import { bounceKind, kindOf } from './entry-kind.ts';
import type { EventRows } from './event-rows.ts';
import { idBytes } from './message-id.ts';
import type { Names } from './names.ts';
import type { MessageItem, RefusalItem } from './protocol.ts';
import type { QueueRows } from './queue-rows.ts';
import type { Statistics } from './statistics.ts';
import { isConstraint } from './store-error.ts';
import type { StoreRow } from './store-row.ts';
import { domainOf, type Terms, termHash } from './terms.ts';

/** A message as it was inserted; `body` is null where it lies in several pieces. */
export interface Inserted {
  readonly seq: number;
  readonly open: boolean;
  readonly leased: boolean;
  readonly body: Uint8Array | null;
}

/** Inserts what comes in: messages with their bodies, and the log rows of refused transactions. */
export class MessageRows {
  readonly #entry: StatementSync;
  readonly #facts: StatementSync;
  readonly #known: StatementSync;
  readonly #parts: {
    readonly store: StoreRow;
    readonly names: Names;
    readonly bodies: Bodies;
    readonly queue: QueueRows;
    readonly terms: Terms;
    readonly statistics: Statistics;
    readonly events: EventRows;
  };

  constructor(
    database: DatabaseSync,
    parts: {
      store: StoreRow;
      names: Names;
      bodies: Bodies;
      queue: QueueRows;
      terms: Terms;
      statistics: Statistics;
      events: EventRows;
    },
  ) {
    this.#parts = parts;
    this.#entry = database.prepare(
      'INSERT INTO entries (seq, id, kind, owner, credential, at, recipients) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#known = database.prepare('SELECT 1 FROM entries WHERE id = ?');
    this.#facts = database.prepare('INSERT INTO facts (seq, facts) VALUES (?, ?)');
  }

  /**
   * Inserts a message, leased under `lease` where that is a number and it is due. Throws `CONFLICT`, with nothing
   * written, for an id that was used before or a large body that is gone.
   */
  insert(item: MessageItem, slab: ArrayBuffer, lease: number | null, now: number): Inserted {
    const { store, names, bodies, queue, statistics, events } = this.#parts;
    const inline = item.body.length >= 0;
    const recipients = JSON.parse(item.recipients) as RecipientRecord[];
    const counts = countStates(recipients);
    const open = openCount(counts) > 0;
    const owner = names.number(item.ownerId);
    const credential = names.number(item.credentialId);
    const kind = kindOf[item.origin];
    const seq = inline ? store.takeSeq() : bodies.received(item.id, item.body.chunks);
    this.#insertEntry(seq, item.id, kind, owner, credential, item.acceptedAt, recipients.length);
    if (!inline) bodies.finish(item.id);
    this.#facts.run(seq, item.facts);
    this.#parts.terms.add(seq, hashesOf(item, recipients));

    const body = inline ? new Uint8Array(slab, item.body.offset, item.body.length) : null;
    const kept = open || counts.captured > 0;
    if (body !== null && kept) bodies.insert(seq, 0, body);
    const nextAt = earliest(recipients);
    const leased = lease !== null && nextAt !== null && nextAt <= now;
    if (open) {
      queue.insert(
        {
          seq,
          kind,
          owner,
          credential,
          accepted_at: item.acceptedAt,
          chunks: item.body.chunks,
          recipients: item.recipients,
          next_at: nextAt,
          lease: leased ? lease : null,
        },
        counts,
        now,
      );
    } else {
      queue.finish(seq, item.recipients, counts, now);
      if (!inline || kept) bodies.dispose(seq, item.body.chunks, counts.captured > 0, now);
    }
    if (kind !== bounceKind) {
      const counted = { owner, credential, accepted_at: item.acceptedAt };
      statistics.accepted(counted, recipients);
      for (const one of recipients) if (isFinal(one.state)) statistics.finished(counted, one, one.state, now);
    }
    const subject = { seq, kind, owner, credential };
    events.entry('accepted', subject, now);
    if (counts.queued < recipients.length) events.outcomes(subject, [], recipients, now);
    return { seq, open, leased, body };
  }

  /** Throws the `CONFLICT` that inserting this message would. */
  check(item: MessageItem): void {
    if (item.body.length < 0) this.#parts.bodies.received(item.id, item.body.chunks);
    if (this.#known.get(idBytes(item.id)) !== undefined) {
      throw new SluiceError('CONFLICT', `message ${item.id} is stored already`);
    }
  }

  /** Keeps a refused transaction in the log, or only counts it. */
  insertRefusal(item: RefusalItem, now: number): void {
    const { store, names, terms, statistics, events } = this.#parts;
    const owner = names.number(item.ownerId);
    const credential = names.number(item.credentialId);
    if (item.outcome === 'refused') statistics.refused(owner, credential, item.at);
    if (item.record === null) return;
    const seq = store.takeSeq();
    const kind = kindOf[item.outcome];
    this.#insertEntry(seq, item.id, kind, owner, credential, item.at, 0);
    if (item.outcome === 'refused') events.entry('rejected', { seq, kind, owner, credential }, now);
    this.#facts.run(seq, item.record);
    const hashes = new Set([termHash.address(item.sender)]);
    for (const address of item.recipients) {
      hashes.add(termHash.address(address));
      hashes.add(termHash.domain(domainOf(address)));
    }
    terms.add(seq, hashes);
  }

  #insertEntry(
    seq: number,
    id: string,
    kind: number,
    owner: number,
    credential: number,
    at: number,
    recipients: number,
  ): void {
    try {
      this.#entry.run(seq, idBytes(id), kind, owner, credential, at, recipients);
    } catch (error) {
      if (isConstraint(error)) throw new SluiceError('CONFLICT', `message ${id} is stored already`, { cause: error });
      throw error;
    }
  }
}

function hashesOf(item: MessageItem, recipients: readonly RecipientRecord[]): Set<number> {
  const hashes = new Set([termHash.address(item.sender)]);
  if (item.messageId !== null) hashes.add(termHash.messageId(item.messageId));
  for (const { address, domain } of recipients) {
    hashes.add(termHash.address(address));
    hashes.add(termHash.domain(domain));
  }
  return hashes;
}
