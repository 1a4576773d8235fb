import type { AuditEntry } from '../ports/audit-log.ts';
import { type AuditOutbox, outboxOf } from './audit-outbox.ts';
import type { MongodbDatabase } from './client.ts';
import { isDuplicateKey } from './store-error.ts';
import { changeVersioned } from './versioned-change.ts';

/**
 * The set-up: one insert makes the administrator, and what follows from it is done again by whoever comes later until
 * it is done (decisions: first administrator).
 */
export class FirstAdministrator {
  readonly #database: MongodbDatabase;
  readonly #outbox: AuditOutbox;

  constructor(database: MongodbDatabase, outbox: AuditOutbox) {
    this.#database = database;
    this.#outbox = outbox;
  }

  /** False if somebody else did it before, or there is no such user. */
  async claim(userId: string, at: number, audit?: AuditEntry): Promise<boolean> {
    const users = this.#database.collection('users');
    if ((await this.#database.ask(() => users.countDocuments({ _id: userId }, { limit: 1 }))) === 0) return false;
    try {
      await this.#database.ask(() =>
        this.#database
          .collection('setup')
          .insertOne({ _id: 'setup', administrator: userId, at, applied: false, ...outboxOf(audit) }),
      );
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // It may be half done, and by a process that is gone.
      await this.complete();
      return false;
    }
    await this.complete();
    await this.#outbox.publish('setup', 'setup', audit);
    return true;
  }

  async done(): Promise<boolean> {
    const found = await this.#database.ask(() => this.#database.collection('setup').findOne({ _id: 'setup' }));
    return found !== null;
  }

  /** Gives the role to whom the set-up made administrator, unless that was done. */
  async complete(): Promise<void> {
    const setup = this.#database.collection('setup');
    const found = await this.#database.ask(() => setup.findOne({ _id: 'setup', applied: false }));
    if (found === null) return;
    const fields = { role: 'admin', enabled: true, updatedAt: found.at };
    // Of several who complete it at once one changes the user.
    const options = { only: { role: 'user' } };
    await changeVersioned(this.#database, this.#outbox, 'users', found.administrator, fields, options);
    await this.#database.ask(() => setup.updateOne({ _id: 'setup' }, { $set: { applied: true } }));
  }
}
