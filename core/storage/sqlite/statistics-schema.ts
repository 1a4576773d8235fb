import type { DatabaseSync } from 'node:sqlite';

const buckets = (prefix: string): string => Array.from({ length: 16 }, (_, n) => `${prefix}${n}`).join(', ');
const columns = (names: string): string =>
  names
    .split(', ')
    .map((name) => `${name} INTEGER NOT NULL`)
    .join(', ');
const final = 'delivered, relayed, captured, discarded, bounced, expired, cancelled';

/**
 * Statistics by recipient domain and by upstream. Hours come first in the keys: new rows lie together, what is
 * old is deleted from one end, and one owner's rows are found hour by hour. Waiting mail learns when it was accepted, so
 * that its settlement can tell how long it took.
 */
export function addDetailedStatistics(database: DatabaseSync): void {
  database.exec(`
    -- domain: lower-case A-labels; '*' for those beyond the first few hundred of an owner and hour.
    CREATE TABLE domain_statistics (
      hour INTEGER NOT NULL, owner INTEGER NOT NULL, credential INTEGER NOT NULL, domain TEXT NOT NULL,
      ${columns(`accepted, ${final}, deferred`)},
      PRIMARY KEY (hour, owner, credential, domain)
    ) STRICT, WITHOUT ROWID;

    -- w0 … w15: recipients by time from acceptance to delivery; t0 … t15: transactions by what they took.
    CREATE TABLE upstream_statistics (
      hour INTEGER NOT NULL, owner INTEGER NOT NULL, credential INTEGER NOT NULL, upstream INTEGER NOT NULL,
      ${columns(`${final}, deferred, ${buckets('w')}, ${buckets('t')}`)},
      PRIMARY KEY (hour, owner, credential, upstream)
    ) STRICT, WITHOUT ROWID;

    ALTER TABLE queue ADD COLUMN accepted_at INTEGER NOT NULL DEFAULT 0;
    UPDATE queue SET accepted_at = (SELECT at FROM entries WHERE entries.seq = queue.seq);
  `);
}
