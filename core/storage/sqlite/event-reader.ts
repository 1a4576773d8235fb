import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type EventFilter, eventTypes, isMeant, type SluiceEvent } from '../../domain/event.ts';
import type { EventPage } from '../ports/events.ts';
import { newestEvent } from './event-rows.ts';

interface Row {
  readonly id: number;
  readonly type: number;
  readonly seq: number;
  readonly owner: number;
  readonly credential: number;
  readonly at: number;
  readonly detail: string | null;
}

interface EntryRow {
  readonly id: string;
  readonly sender: string;
  readonly message_id: string | null;
  readonly reply: string | null;
  /** JSON: records of recipients for a message, addresses for a refusal. */
  readonly recipients: string;
}

/** Reads events, and what their log entries know of them. */
export class EventReader {
  readonly #database: DatabaseSync;
  readonly #rows: StatementSync;
  readonly #entry: StatementSync;
  readonly #name: StatementSync;
  readonly #names = new Map<number, string>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#rows = database.prepare(
      'SELECT id, type, seq, owner, credential, at, detail FROM events WHERE id > ? ORDER BY id LIMIT ?',
    );
    this.#entry = database.prepare(
      `SELECT facts ->> '$.id' AS id, facts ->> '$.sender' AS sender, facts ->> '$.messageId' AS message_id,
         facts ->> '$.reply' AS reply, coalesce(q.recipients, o.recipients, facts -> '$.recipients') AS recipients
       FROM facts LEFT JOIN queue q ON q.seq = facts.seq LEFT JOIN outcomes o ON o.seq = facts.seq
       WHERE facts.seq = ?`,
    );
    this.#name = database.prepare('SELECT name FROM names WHERE n = ?');
  }

  list(filter: EventFilter, { after, limit }: { after: number; limit: number }): EventPage {
    const rows = this.#rows.all(after, limit) as unknown as Row[];
    const events = rows.map((row) => this.#event(row, filter)).filter((event) => event !== null);
    return { events, through: rows.at(-1)?.id ?? after, more: rows.length === limit };
  }

  bounds(): { oldest: number; newest: number } {
    const newest = newestEvent(this.#database);
    const oldest = this.#database.prepare('SELECT min(id) AS id FROM events').get()?.id;
    return { oldest: Number(oldest ?? newest + 1), newest };
  }

  /** Null for what is not meant; the log entry is looked up only for what is. */
  #event({ id, type, seq, owner, credential, at, detail }: Row, filter: EventFilter): SluiceEvent | null {
    const name = eventTypes[type];
    if (name === undefined) return null;
    const said = detail === null ? {} : (JSON.parse(detail) as object);
    if (name === 'configuration_changed') {
      const event = { id, type: name, at, ...said } as SluiceEvent;
      return isMeant(event, filter) ? event : null;
    }
    const plain = { id, type: name, at, ownerId: this.#nameOf(owner), credentialId: this.#nameOf(credential) };
    const nothing = { entryId: '', messageId: null, sender: '', recipients: [], upstream: null, reply: null };
    if (!isMeant({ ...plain, ...nothing }, filter)) return null;
    const entry = this.#entry.get(seq) as EntryRow | undefined;
    // Records outlive their events; one that is gone all the same leaves nothing to tell.
    if (entry === undefined) return null;
    const whole = detail === null ? { recipients: addresses(entry.recipients), reply: entry.reply } : said;
    return {
      ...plain,
      ...nothing,
      entryId: entry.id,
      messageId: entry.message_id,
      sender: entry.sender,
      ...whole,
    };
  }

  #nameOf(n: number): string | null {
    if (n === 0) return null;
    const known = this.#names.get(n);
    if (known !== undefined) return known;
    const name = String(this.#name.get(n)?.name);
    if (this.#names.size >= 10_000) this.#names.clear();
    this.#names.set(n, name);
    return name;
  }
}

const addresses = (recipients: string): string[] =>
  (JSON.parse(recipients) as (string | { address: string })[]).map((one) =>
    typeof one === 'string' ? one : one.address,
  );
