import type { Page } from '../ports/accounts.ts';
import type { ApiAccess, ApiSession, RefreshToken } from '../ports/api-access.ts';
import type { AuditEntry } from '../ports/audit-log.ts';
import { type AuditOutbox, auditDocument, outboxOf } from './audit-outbox.ts';
import type { MongodbDatabase } from './client.ts';
import { listPage } from './list.ts';
import { sessionOf } from './session-documents.ts';

/** Exchanged tokens a session remembers; who shows one that was exchanged longer ago is told that it is unknown. */
const rememberedTokens = 1_000;
/** Clocks of processes may differ by so much: sessions begun until then belong to an order that is carried out late. */
const clockTolerance = 60_000;

type Sessions = Pick<
  ApiAccess,
  'startSession' | 'session' | 'listSessions' | 'revokeSession' | 'refresh' | 'revokeSessions'
>;

/** API sessions with their refresh tokens. */
export class MongodbSessions implements Sessions {
  readonly #database: MongodbDatabase;
  readonly #outbox: AuditOutbox;

  constructor(database: MongodbDatabase, outbox: AuditOutbox) {
    this.#database = database;
    this.#outbox = outbox;
  }

  async session(id: string): Promise<ApiSession | null> {
    const found = await this.#database.ask(() => this.#sessions.findOne({ _id: id }));
    return found === null ? null : sessionOf(found);
  }

  listSessions({ userId, at, after, limit }: Parameters<ApiAccess['listSessions']>[0]): Promise<Page<ApiSession>> {
    const filter = { userId, revokedAt: null, expiresAt: { $gt: at } };
    return listPage(this.#database, this.#sessions, { filter, key: '_id', descending: true, after, limit }, sessionOf);
  }

  async touchSession(id: string, at: number): Promise<void> {
    await this.#database.ask(() => this.#sessions.updateOne({ _id: id }, { $max: { lastUsedAt: at } }));
  }

  async revokeSession(id: string, at: number, audit?: AuditEntry): Promise<boolean> {
    const push = audit === undefined ? {} : { $push: { outbox: auditDocument(audit) } };
    const { matchedCount } = await this.#database.ask(() =>
      this.#sessions.updateOne({ _id: id, revokedAt: null }, { $set: { revokedAt: at }, ...push }),
    );
    if (matchedCount === 0) return false;
    await this.#outbox.publish('sessions', id, audit);
    return true;
  }

  async startSession({ id, ...session }: ApiSession, token: RefreshToken, audit?: AuditEntry): Promise<void> {
    const { fingerprint, expiresAt } = token;
    const begun = { _id: id, ...session, token: fingerprint, tokenExpiresAt: expiresAt, used: [], ...outboxOf(audit) };
    await this.#database.ask(() => this.#sessions.insertOne(begun));
    await this.#outbox.publish('sessions', id, audit);
  }

  async refresh(...[fingerprint, next, at]: Parameters<ApiAccess['refresh']>): ReturnType<ApiAccess['refresh']> {
    const after = { returnDocument: 'after' } as const;
    const current = await this.#database.ask(() =>
      this.#sessions.findOne({ token: fingerprint }, { projection: { tokenExpiresAt: 1 } }),
    );
    if (current !== null) {
      const used = { fingerprint, expiresAt: current.tokenExpiresAt };
      const rotated = await this.#database.ask(() =>
        this.#sessions.findOneAndUpdate(
          { _id: current._id, token: fingerprint, revokedAt: null, tokenExpiresAt: { $gt: at } },
          {
            $set: { token: next.fingerprint, tokenExpiresAt: next.expiresAt },
            $max: { expiresAt: next.expiresAt },
            $push: { used: { $each: [used], $slice: -rememberedTokens } },
          },
          after,
        ),
      );
      if (rotated !== null) return { outcome: 'rotated', session: sessionOf(rotated) };
    }
    const reused = await this.#database.ask(() =>
      this.#sessions.findOneAndUpdate(
        { used: { $elemMatch: { fingerprint, expiresAt: { $gt: at } } }, revokedAt: null },
        { $set: { revokedAt: at } },
        after,
      ),
    );
    return reused === null ? { outcome: 'unknown' } : { outcome: 'reused', session: sessionOf(reused) };
  }

  async revokeSessions(
    userId: string,
    at: number,
    { except, audit }: { except?: string; audit?: AuditEntry } = {},
  ): Promise<number> {
    const order = { userId, at, except: except ?? null };
    if (audit === undefined) return this.#end(order);
    // The order first, with what is told of it: whoever is killed now has it carried out by a sweep.
    const ends = this.#database.collection('session_ends');
    await this.#database.ask(() => ends.insertOne({ _id: audit.id, ...order, done: false, ...outboxOf(audit) }));
    const ended = await this.#end(order);
    await this.#database.ask(() => ends.updateOne({ _id: audit.id }, { $set: { done: true } }));
    await this.#outbox.publish('session_ends', audit.id, audit);
    return ended;
  }

  /** Carries out what processes that ended had begun; forgets what is done. */
  async sweep(limit: number): Promise<number> {
    const ends = this.#database.collection('session_ends');
    const open = await this.#database.ask(() => ends.find({ done: false }, { limit }).toArray());
    for (const order of open) {
      await this.#end(order, order.at + clockTolerance);
      await this.#database.ask(() => ends.updateOne({ _id: order._id }, { $set: { done: true } }));
    }
    await this.#database.ask(() => ends.deleteMany({ done: true, 'outbox.0': { $exists: false } }));
    return open.length;
  }

  /** `begunUntil`: later ones stay. */
  async #end(
    { userId, at, except }: { readonly userId: string; readonly at: number; readonly except: string | null },
    begunUntil = Number.MAX_SAFE_INTEGER,
  ): Promise<number> {
    const { modifiedCount } = await this.#database.ask(() =>
      this.#sessions.updateMany(
        {
          userId,
          revokedAt: null,
          expiresAt: { $gt: at },
          createdAt: { $lte: begunUntil },
          ...(except === null ? {} : { _id: { $ne: except } }),
        },
        { $set: { revokedAt: at } },
      ),
    );
    return modifiedCount;
  }

  get #sessions() {
    return this.#database.collection('sessions');
  }
}
