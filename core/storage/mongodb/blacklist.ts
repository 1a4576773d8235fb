import type { AnyBulkWriteOperation, Document } from 'mongodb';
import { SluiceError } from '../../domain/errors.ts';
import type { AuditEntry } from '../ports/audit-log.ts';
import type { Blacklist, BlacklistEntry, BlacklistFilter, BlacklistListOptions } from '../ports/blacklist.ts';
import { type AuditOutbox, auditDocument, outboxOf } from './audit-outbox.ts';
import {
  type BlacklistDocument,
  blacklistEntryOf,
  blacklistFields,
  blacklistFilter,
  blacklistOrder,
  placeOf,
} from './blacklist-documents.ts';
import type { MongodbDatabase } from './client.ts';
import { forgetRemoved, there } from './removed-documents.ts';
import type { Revisions } from './revisions.ts';
import { isDuplicateKey } from './store-error.ts';
import { upsert } from './upsert.ts';

const pushed = (audit: AuditEntry | undefined): Document =>
  audit === undefined ? {} : { $push: { outbox: auditDocument(audit) } };

/** Networks that are refused; one document a network. */
export class MongodbBlacklist implements Blacklist {
  readonly #database: MongodbDatabase;
  readonly #outbox: AuditOutbox;
  readonly #revisions: Revisions;

  constructor(database: MongodbDatabase, { outbox, revisions }: { outbox: AuditOutbox; revisions: Revisions }) {
    this.#database = database;
    this.#outbox = outbox;
    this.#revisions = revisions;
  }

  revision = (): Promise<string> => this.#revisions.current('blacklist');

  async get(id: string): Promise<BlacklistEntry | null> {
    const found = await this.#byId(id);
    return found === null ? null : blacklistEntryOf(found);
  }

  async byNetworks(networks: readonly string[]): Promise<readonly BlacklistEntry[]> {
    const places = networks.map(placeOf);
    const found = await this.#database.ask(() => this.#entries.find({ _id: { $in: places }, ...there }).toArray());
    return found.map(blacklistEntryOf);
  }

  async list(filter: BlacklistFilter, options: BlacklistListOptions) {
    const { after, limit } = options;
    const order = blacklistOrder(options);
    const conditions = [...blacklistFilter(filter), ...(after === undefined ? [] : [order.behind(after)])];
    const found = await this.#database.ask(() =>
      this.#entries.find({ $and: conditions }, { sort: { ...order.sort }, limit: limit + 1 }).toArray(),
    );
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const next = found.length > limit && last !== undefined ? order.cursorOf(last) : null;
    return { items: page.map(blacklistEntryOf), next };
  }

  async insert(entry: BlacklistEntry, audit?: AuditEntry): Promise<BlacklistEntry | null> {
    await this.#revisions.next('blacklist');
    const standing = await this.#occupy(entry, audit, ({ endsAt }) => endsAt <= entry.createdAt);
    return standing === null ? null : blacklistEntryOf(standing);
  }

  update = async (
    ...[id, change, options = {}]: Parameters<Blacklist['update']>
  ): Promise<Awaited<ReturnType<Blacklist['update']>>> => {
    await this.#revisions.next('blacklist');
    for (;;) {
      const standing = await this.#byId(id);
      if (standing === null) return 'not-found';
      const before = blacklistEntryOf(standing);
      expectVersion(before, options.ifUpdatedAt);
      const after = { ...before, ...change, updatedAt: Math.max(change.updatedAt, before.updatedAt + 1) };
      if (placeOf(after.network) === standing._id) {
        if (await this.#write(standing, { $set: blacklistFields(after), ...pushed(options.audit) })) {
          await this.#outbox.publish('blacklist', standing._id, options.audit);
          return 'changed';
        }
        continue;
      }
      // First the new one, then the old one away: in between both are refused.
      const other = await this.#occupy(after, options.audit, (one) => one.id === id);
      if (other !== null) return 'taken';
      if (await this.#write(standing, { $set: { removed: true } })) {
        await forgetRemoved(this.#database, 'blacklist', standing._id);
        return 'changed';
      }
      // Somebody changed the old one meanwhile: that one counts, and this change is made anew on it.
      await this.#database.ask(() =>
        this.#entries.updateOne({ _id: placeOf(after.network), id, ...there }, { $set: { removed: true } }),
      );
    }
  };

  async put(entry: BlacklistEntry): Promise<void> {
    await this.putAll([entry]);
  }

  async putAll(entries: readonly BlacklistEntry[], audit?: AuditEntry): Promise<void> {
    const [first] = entries;
    if (first === undefined) return;
    await this.#revisions.next('blacklist');
    // The first one carries what is told of all: none is ever changed without it.
    const writes = entries.map(
      (entry, n): AnyBulkWriteOperation<BlacklistDocument> => ({
        updateOne: {
          filter: { _id: placeOf(entry.network) },
          update: { $set: blacklistFields(entry), $unset: { removed: 1 }, ...(n === 0 ? pushed(audit) : {}) },
          upsert: true,
        },
      }),
    );
    await upsert(() => this.#database.ask(() => this.#entries.bulkWrite(writes)));
    await this.#outbox.publish('blacklist', placeOf(first.network), audit);
  }

  async remove(...[id, options = {}]: Parameters<Blacklist['remove']>): Promise<boolean> {
    await this.#revisions.next('blacklist');
    for (;;) {
      const standing = await this.#byId(id);
      if (standing === null) return false;
      expectVersion(standing, options.ifUpdatedAt);
      if (!(await this.#write(standing, { $set: { removed: true }, ...pushed(options.audit) }))) continue;
      await this.#outbox.publish('blacklist', standing._id, options.audit);
      // A process that was killed while it moved the entry to another network may have left it in both places.
      await this.#database.ask(() => this.#entries.updateMany({ id, ...there }, { $set: { removed: true } }));
      await forgetRemoved(this.#database, 'blacklist', standing._id);
      return true;
    }
  }

  /** The entry with this id; the newest, where a move was cut short. */
  #byId(id: string): Promise<BlacklistDocument | null> {
    return this.#database.ask(() => this.#entries.findOne({ id, ...there }, { sort: { updatedAt: -1 } }));
  }

  /** Puts an entry in its place, unless one stands there that may not be replaced: that one is the answer. */
  async #occupy(
    entry: BlacklistEntry,
    audit: AuditEntry | undefined,
    replaceable: (standing: BlacklistDocument) => boolean,
  ): Promise<BlacklistDocument | null> {
    const _id = placeOf(entry.network);
    for (;;) {
      try {
        await this.#database.ask(() => this.#entries.insertOne({ _id, ...blacklistFields(entry), ...outboxOf(audit) }));
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        const standing = await this.#database.ask(() => this.#entries.findOne({ _id }));
        if (standing === null) continue;
        if (standing.removed !== true && !replaceable(standing)) return standing;
        const update = { $set: blacklistFields(entry), $unset: { removed: 1 }, ...pushed(audit) };
        if (!(await this.#write(standing, update))) continue;
      }
      await this.#outbox.publish('blacklist', _id, audit);
      return null;
    }
  }

  /** Changes a document if it still is what was read. */
  async #write({ _id, id, updatedAt, removed }: BlacklistDocument, update: Document): Promise<boolean> {
    const filter = { _id, id, updatedAt, ...(removed === true ? { removed: true as const } : there) };
    const { matchedCount } = await this.#database.ask(() => this.#entries.updateOne(filter, update));
    return matchedCount === 1;
  }

  get #entries() {
    return this.#database.collection('blacklist');
  }
}

function expectVersion({ updatedAt }: { readonly updatedAt: number }, expected: number | undefined): void {
  if (expected === undefined || expected === updatedAt) return;
  throw new SluiceError('PRECONDITION_FAILED', 'somebody changed it meanwhile; read it again, then decide anew');
}
