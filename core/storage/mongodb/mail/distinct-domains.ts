import { mostDomains } from '../../ports/delivery-statistics.ts';
import { hourOf } from '../../rules/time-spans.ts';
import type { MongodbDatabase } from '../client.ts';

/** What all other domains are counted under; no domain has this name. */
export const otherDomains = '*';

/** What is remembered in all before it is read again. */
const mostRemembered = 50_000;

interface Place {
  readonly hour: number;
  readonly owner: string;
}

const keyOf = ({ hour, owner }: Place): string => `${hour} ${owner}`;

/**
 * Which recipient domains are counted by name: the first few hundred of an owner and hour, so that mail to ever new
 * domains cannot make the statistics grow without end. Read from the database when an owner's hour begins; processes
 * that begin at once may bring their own few hundred each.
 */
export class DistinctDomains {
  readonly #database: MongodbDatabase;
  readonly #known = new Map<string, Set<string>>();
  #remembered = 0;

  constructor(database: MongodbDatabase) {
    this.#database = database;
  }

  /** To be called before mail of these owners is counted, in the hours of its acceptance and of now. Never rejects. */
  async prepare(mails: Iterable<{ readonly owner: string; readonly at: number }>, now: number): Promise<void> {
    const places = new Map<string, Place>();
    for (const { owner, at } of mails) {
      for (const hour of [hourOf(at), hourOf(now)]) {
        const place = { hour, owner };
        if (!this.#known.has(keyOf(place))) places.set(keyOf(place), place);
      }
    }
    if (places.size === 0) return;
    if (this.#remembered + this.#known.size >= mostRemembered) {
      this.#known.clear();
      this.#remembered = 0;
    }
    await Promise.all([...places.values()].map((place) => this.#read(place)));
  }

  /** The name under which a domain is counted: its own, or `*`. */
  nameOf(at: number, owner: string, credential: string | null, domain: string): string {
    const known = this.#known.get(keyOf({ hour: hourOf(at), owner }));
    if (known === undefined) return otherDomains;
    const key = `${credential} ${domain}`;
    if (known.has(key)) return domain;
    if (known.size >= mostDomains) return otherDomains;
    known.add(key);
    this.#remembered += 1;
    return domain;
  }

  async #read(place: Place): Promise<void> {
    try {
      const rows = await this.#database
        .collection('domain_statistics')
        .find({ hour: place.hour, owner: place.owner, name: { $ne: otherDomains } })
        .project<{ credential: string | null; name: string }>({ _id: 0, credential: 1, name: 1 })
        .limit(mostDomains)
        .toArray();
      if (this.#known.has(keyOf(place))) return;
      this.#known.set(keyOf(place), new Set(rows.map(({ credential, name }) => `${credential} ${name}`)));
      this.#remembered += rows.length;
    } catch {
      // Counted without its domain until it can be read.
    }
  }
}
