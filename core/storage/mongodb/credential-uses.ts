import type { MongodbDatabase } from './client.ts';

interface Use {
  readonly id: string;
  readonly at: number;
  readonly address: string;
}

/** Uses that were not written yet; beyond this they are written at once. */
const mostUses = 1_000;
const delayMilliseconds = 1_000;

/** Writes down when and from where credentials were used, a second's worth at a time. */
export class CredentialUses {
  readonly #database: MongodbDatabase;
  #uses = new Map<string, Use>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(database: MongodbDatabase) {
    this.#database = database;
  }

  add(use: Use): void {
    this.#uses.set(`${use.id} ${use.address}`, use);
    if (this.#uses.size >= mostUses) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), delayMilliseconds).unref();
  }

  /** Writes what there is. Never rejects: a use that could not be written is told by the next one. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#uses.size > 0) {
      const uses = [...this.#uses.entries()];
      this.#uses = new Map();
      this.#writing = Promise.all([this.#writing, this.#write(uses)]).then(() => undefined);
    }
    return this.#writing;
  }

  async #write(uses: readonly (readonly [key: string, use: Use])[]): Promise<void> {
    const latest = new Map<string, number>();
    for (const [, { id, at }] of uses) latest.set(id, Math.max(at, latest.get(id) ?? 0));
    const credentials = [...latest].map(([id, at]) => ({
      updateOne: { filter: { _id: id }, update: { $max: { lastUsed: at } } },
    }));
    const addresses = uses.map(([_id, { at }]) => ({
      updateOne: { filter: { _id }, update: { $max: { at } }, upsert: true },
    }));
    const unordered = { ordered: false };
    await Promise.allSettled([
      this.#database.ask(() => this.#database.collection('credentials').bulkWrite(credentials, unordered)),
      this.#database.ask(() => this.#database.collection('known_addresses').bulkWrite(addresses, unordered)),
    ]);
  }
}
