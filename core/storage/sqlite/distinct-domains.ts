import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { mostDomains } from '../ports/delivery-statistics.ts';
import { hourOf } from '../rules/time-spans.ts';

/** What all other domains are counted under; no domain has this name. */
export const otherDomains = '*';

/** What is remembered in all before it is read again. */
const mostRemembered = 50_000;

/**
 * Which recipient domains are counted by name: the first few hundred of an owner and hour, so that mail to ever new
 * domains cannot make the statistics grow without end. Kept in memory, read again from the table after a start.
 */
export class DistinctDomains {
  readonly #read: StatementSync;
  readonly #known = new Map<string, Set<string>>();
  #remembered = 0;

  constructor(database: DatabaseSync) {
    this.#read = database.prepare(
      'SELECT credential, domain FROM domain_statistics WHERE hour = ? AND owner = ? AND domain <> ?',
    );
  }

  /** The name under which a domain is counted: its own, or `*`. */
  nameOf(at: number, owner: number, credential: number, domain: string): string {
    const known = this.#knownIn(hourOf(at), owner);
    const key = `${credential} ${domain}`;
    if (known.has(key)) return domain;
    if (known.size >= mostDomains) return otherDomains;
    known.add(key);
    this.#remembered += 1;
    return domain;
  }

  /** What was remembered may not have been written. */
  clear(): void {
    this.#known.clear();
    this.#remembered = 0;
  }

  #knownIn(hour: number, owner: number): Set<string> {
    const place = `${hour} ${owner}`;
    const known = this.#known.get(place);
    if (known !== undefined) return known;
    if (this.#remembered + this.#known.size >= mostRemembered) this.clear();
    const rows = this.#read.all(hour, owner, otherDomains);
    const read = new Set(rows.map(({ credential, domain }) => `${credential} ${domain}`));
    this.#known.set(place, read);
    this.#remembered += read.size;
    return read;
  }
}
