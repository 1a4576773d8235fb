import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type EventType, eventTypes } from '../../domain/event.ts';
import type { RecipientRecord } from '../../domain/message.ts';
import { type OutcomeMark, outcomesOf } from '../rules/outcome-events.ts';
import { bounceKind } from './entry-kind.ts';

/** The entry that an event is about; nothing (`seq` 0) for what concerns no mail. */
export interface EventSubject {
  readonly seq: number;
  readonly kind: number;
  readonly owner: number;
  readonly credential: number;
}

interface Row extends EventSubject {
  readonly type: number;
  readonly at: number;
  readonly detail: string | null;
}

const typeNumber = Object.fromEntries(eventTypes.map((type, number) => [type, number])) as Record<EventType, number>;

/**
 * Writing side of the events: what one transaction brings forth is gathered in memory and inserted at its end. The
 * rows are narrow; sender, Message-ID and the recipients of what was accepted or refused are read from the log entry.
 */
export class EventRows {
  readonly #insert: StatementSync;
  #rows: Row[] = [];
  #newest: number;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO events (type, seq, owner, credential, at, detail) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#newest = newestEvent(database);
  }

  /** Id of the newest event; ids of a transaction that was rolled back are given again. */
  get newest(): number {
    return this.#newest;
  }

  /** What the log entry says all of. */
  entry(type: 'accepted' | 'rejected', subject: EventSubject, at: number): void {
    this.#add(type, subject, at, null);
  }

  /** What became of recipients. */
  outcomes(subject: EventSubject, before: readonly OutcomeMark[], after: readonly RecipientRecord[], at: number): void {
    if (subject.kind === bounceKind) return;
    for (const { type, ...detail } of outcomesOf(before, after)) {
      this.#add(type, subject, at, JSON.stringify(detail));
    }
  }

  configurationChanged(version: number, cause: string, at: number): void {
    const nothing = { seq: 0, kind: 0, owner: 0, credential: 0 };
    this.#add('configuration_changed', nothing, at, JSON.stringify({ version, cause }));
  }

  /** Writes what the transaction brought. */
  save(): void {
    if (this.#rows.length === 0) return;
    for (const { type, seq, owner, credential, at, detail } of this.#rows) {
      this.#newest = Number(this.#insert.run(type, seq, owner, credential, at, detail).lastInsertRowid);
    }
    this.#rows = [];
  }

  rolledBack(database: DatabaseSync): void {
    this.#rows = [];
    this.#newest = newestEvent(database);
  }

  #add(type: EventType, { seq, kind, owner, credential }: EventSubject, at: number, detail: string | null): void {
    if (kind === bounceKind) return;
    this.#rows.push({ type: typeNumber[type], seq, kind, owner, credential, at, detail });
  }
}

/** Id of the newest event ever stored, purged ones included; 0 for none. */
export function newestEvent(database: DatabaseSync): number {
  return Number(database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get()?.seq ?? 0);
}
