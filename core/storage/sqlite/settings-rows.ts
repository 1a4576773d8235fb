import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Page } from '../ports/accounts.ts';
import { keptSettingsVersions, type NewSettingsVersion, type SettingsVersion } from '../ports/settings.ts';
import type { EventRows } from './event-rows.ts';

/** Writing side of the plugins' settings. */
export class SettingsRows {
  readonly #propose: StatementSync;
  readonly #supersede: StatementSync;
  readonly #settle: StatementSync;
  readonly #purge: StatementSync;
  readonly #cause: StatementSync;
  readonly #events: EventRows;

  constructor(database: DatabaseSync, events: EventRows) {
    this.#events = events;
    this.#cause = database.prepare("SELECT version ->> 'cause' AS cause FROM settings WHERE number = ?");
    this.#propose = database.prepare(
      `INSERT OR IGNORE INTO settings (number, state, reason, version) VALUES (?, 'candidate', NULL, ?)`,
    );
    this.#supersede = database.prepare(
      `UPDATE settings SET state = 'superseded' WHERE state = 'current'
       AND EXISTS (SELECT 1 FROM settings WHERE number = ? AND state = 'candidate')`,
    );
    this.#settle = database.prepare(
      `UPDATE settings SET state = ?, reason = ? WHERE number = ? AND state = 'candidate'`,
    );
    this.#purge = database.prepare('DELETE FROM settings WHERE number <= ?');
  }

  propose(version: NewSettingsVersion): boolean {
    return Number(this.#propose.run(version.number, JSON.stringify(version)).changes) > 0;
  }

  accept(number: number, now: number): boolean {
    this.#supersede.run(number);
    const accepted = Number(this.#settle.run('current', null, number).changes) > 0;
    if (!accepted) return false;
    this.#events.configurationChanged(number, String(this.#cause.get(number)?.cause), now);
    this.#purge.run(number - keptSettingsVersions);
    return true;
  }

  reject(number: number, reason: string): boolean {
    return Number(this.#settle.run('rejected', reason, number).changes) > 0;
  }
}

type Row = Record<string, unknown>;

const versionOf = (row: Row): SettingsVersion => ({
  ...(JSON.parse(String(row.version)) as NewSettingsVersion),
  state: row.state as SettingsVersion['state'],
  reason: row.reason === null ? null : String(row.reason),
});

const columns = 'number, state, reason, version';

export function readCurrentSettings(database: DatabaseSync): SettingsVersion | null {
  const row = database.prepare(`SELECT ${columns} FROM settings WHERE state = 'current'`).get();
  return row === undefined ? null : versionOf(row);
}

export function readSettingsVersion(database: DatabaseSync, number: number): SettingsVersion | null {
  const row = database.prepare(`SELECT ${columns} FROM settings WHERE number = ?`).get(number);
  return row === undefined ? null : versionOf(row);
}

export function readLatestSettings(database: DatabaseSync): number {
  return Number(database.prepare('SELECT coalesce(max(number), 0) AS number FROM settings').get()?.number);
}

/** `after` is a number; what is none starts at the end, as nothing comes before it. */
export function listSettings(
  database: DatabaseSync,
  { after, limit }: { after?: string; limit: number },
): Page<SettingsVersion> {
  const below = after === undefined ? Number.MAX_SAFE_INTEGER : Number.parseInt(after, 10) || 0;
  const rows = database
    .prepare(`SELECT ${columns} FROM settings WHERE number < ? ORDER BY number DESC LIMIT ?`)
    .all(below, limit + 1);
  const items = rows.slice(0, limit).map(versionOf);
  return { items, next: rows.length > limit ? String(items.at(-1)?.number) : null };
}
