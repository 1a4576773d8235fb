import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { eventsKeptFor } from '../ports/events.ts';
import { dayMilliseconds } from '../rules/time-spans.ts';
import { placeOf } from './bodies.ts';
import { refusedKind } from './entry-kind.ts';
import type { QueueRows } from './queue-rows.ts';
import { blockOf } from './terms.ts';

/** How long things are kept, in milliseconds. */
export interface RetentionTimes {
  /** Bodies of captured mail. */
  readonly captured: number;
  /** Records of finished mail and refusals. */
  readonly log: number;
  /** A large body that is still coming in is given up after this: twice the DATA deadline. */
  readonly receiving: number;
}

/** Rows deleted in one transaction at most, so that no commit of mail waits long behind it. */
export const retentionBatch = 500;

/** Addresses a credential logged in from are known for 30 days. */
const knownAddressDays = 30;
/** Statistics can be compared with those of a year ago. */
const statisticsDays = 400;
/** Changes are told of for a year. */
const auditDays = 366;

interface Purge {
  captured: number;
  at: number;
  seq: number;
}

/** Deletes what is past its time, a batch at a call. */
export class Retention {
  readonly #database: DatabaseSync;
  readonly #queue: QueueRows;
  readonly #purges: StatementSync;
  readonly #places: StatementSync;
  readonly #removePlace: StatementSync;
  readonly #removePurge: StatementSync;
  readonly #outcomes: StatementSync;
  readonly #refusals: StatementSync;
  readonly #removals: readonly StatementSync[];

  constructor(database: DatabaseSync, parts: { queue: QueueRows }) {
    this.#database = database;
    this.#queue = parts.queue;
    this.#purges = database.prepare('SELECT captured, at, seq FROM body_purges WHERE captured = ? AND at <= ? LIMIT 1');
    this.#places = database.prepare('SELECT place FROM bodies WHERE place >= ? AND place < ? LIMIT ?');
    this.#removePlace = database.prepare('DELETE FROM bodies WHERE place = ?');
    this.#removePurge = database.prepare('DELETE FROM body_purges WHERE captured = ? AND at = ? AND seq = ?');
    this.#outcomes = database.prepare('SELECT seq FROM outcomes WHERE final_day < ? LIMIT ?');
    this.#refusals = database.prepare(`SELECT seq FROM entries WHERE kind >= ${refusedKind} AND at < ? LIMIT ?`);
    this.#removals = ['entries', 'facts', 'outcomes', 'attempts'].map((table) =>
      database.prepare(`DELETE FROM ${table} WHERE seq = ?`),
    );
  }

  /** Deletes one batch of whatever is due first; answers how many rows, 0 once nothing is left to do. */
  step(times: RetentionTimes, now: number): number {
    return (
      this.#giveUpReceiving(now - times.receiving) ||
      this.#purgeBodies(0, now) ||
      this.#purgeBodies(1, now - times.captured) ||
      this.#purgeEvents(now - eventsKeptFor) ||
      this.#purgeRecords(now - Math.max(times.log, eventsKeptFor)) ||
      this.#purgeTerms() ||
      this.#purgeExpired(now) ||
      this.#shrink()
    );
  }

  /** Closes a day of the conservation sum with the counts of its records (JSON); they may be purged from then on. */
  closeDay(day: number, counts: string): void {
    this.#database.prepare('INSERT OR IGNORE INTO days (final_day, counts) VALUES (?, ?)').run(day, counts);
    this.#queue.closedDay = Math.max(this.#queue.closedDay, day);
  }

  #giveUpReceiving(before: number): number {
    const rows = this.#database
      .prepare('SELECT hex(id) AS id, seq FROM receiving WHERE started_at <= ? LIMIT ?')
      .all(before, retentionBatch);
    const forget = this.#database.prepare('DELETE FROM receiving WHERE id = ?');
    const purge = this.#database.prepare('INSERT OR IGNORE INTO body_purges (captured, at, seq) VALUES (0, ?, ?)');
    for (const { id, seq } of rows) {
      forget.run(Buffer.from(String(id), 'hex'));
      purge.run(before, Number(seq));
    }
    return rows.length;
  }

  #purgeBodies(captured: 0 | 1, until: number): number {
    const purge = this.#purges.get(captured, until) as Purge | undefined;
    if (purge === undefined) return 0;
    const places = this.#places.all(placeOf(purge.seq, 0), placeOf(purge.seq + 1, 0), retentionBatch);
    for (const { place } of places) this.#removePlace.run(Number(place));
    if (places.length < retentionBatch) this.#removePurge.run(purge.captured, purge.at, purge.seq);
    return places.length + 1;
  }

  /** From the oldest on, as long as they are due: no index by time has to be kept for that. */
  #purgeEvents(before: number): number {
    return this.#remove(
      'DELETE FROM events WHERE at <= ? AND id IN (SELECT id FROM events ORDER BY id LIMIT ?)',
      before,
    );
  }

  /** Events are about these: they are kept as long. */
  #purgeRecords(before: number): number {
    const day = Math.min(Math.floor(before / dayMilliseconds), this.#queue.closedDay + 1);
    const rows = this.#outcomes.all(day, retentionBatch);
    if (rows.length === 0) rows.push(...this.#refusals.all(before, retentionBatch));
    for (const { seq } of rows) {
      for (const removal of this.#removals) removal.run(Number(seq));
    }
    return rows.length;
  }

  /** Blocks of the search index all of whose entries are gone. */
  #purgeTerms(): number {
    const row = this.#database.prepare('SELECT coalesce(min(seq), 0) AS seq FROM entries').get();
    return this.#remove(
      `DELETE FROM terms WHERE (block, hash, seq) IN (SELECT block, hash, seq FROM terms WHERE block < ? LIMIT ?)`,
      blockOf(Number(row?.seq)),
    );
  }

  #purgeExpired(now: number): number {
    return (
      this.#removeBefore('counters', ['owner', 'window'], 'ends_at', now) ||
      this.#removeBefore('sessions', ['id'], 'expires_at', now) ||
      this.#removeBefore('refresh_tokens', ['fingerprint'], 'expires_at', now) ||
      this.#removeBefore('idempotency_keys', ['key'], 'expires_at', now) ||
      this.#removeBefore('audit_log', ['id'], 'at', now - auditDays * dayMilliseconds) ||
      this.#purgeStatistics(now - statisticsDays * dayMilliseconds) ||
      this.#removeBefore('blacklist', ['place'], 'expires_at', now) ||
      this.#removeBefore('key_values', ['plugin', 'key'], 'expires_at', now) ||
      this.#removeBefore(
        'known_addresses',
        ['credential_id', 'address'],
        'at',
        now - knownAddressDays * dayMilliseconds,
      )
    );
  }

  #purgeStatistics(before: number): number {
    const key = ['hour', 'owner', 'credential'];
    return (
      this.#removeBefore('statistics', key, 'hour', before) ||
      this.#removeBefore('domain_statistics', [...key, 'domain'], 'hour', before) ||
      this.#removeBefore('upstream_statistics', [...key, 'upstream'], 'hour', before)
    );
  }

  /** Gives unused pages back to the file system once they are a quarter of a large file. */
  #shrink(): number {
    const free = Number(this.#database.prepare('PRAGMA freelist_count').get()?.freelist_count);
    const all = Number(this.#database.prepare('PRAGMA page_count').get()?.page_count);
    if (free < 25_000 || free < all / 4) return 0;
    this.#database.exec(`PRAGMA incremental_vacuum(${retentionBatch})`);
    return retentionBatch;
  }

  #removeBefore(table: string, key: readonly string[], column: string, before: number): number {
    const names = key.join(', ');
    return this.#remove(
      `DELETE FROM ${table} WHERE (${names}) IN (SELECT ${names} FROM ${table} WHERE ${column} <= ? LIMIT ?)`,
      before,
    );
  }

  #remove(sql: string, before: number): number {
    return Number(this.#database.prepare(sql).run(before, retentionBatch).changes);
  }
}
