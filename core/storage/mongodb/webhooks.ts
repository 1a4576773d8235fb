import type { AuditEntry } from '../ports/audit-log.ts';
import type { StoredWebhook, Webhook, WebhookState, Webhooks } from '../ports/webhooks.ts';
import { type Audited, type AuditOutbox, auditDocument, outboxOf } from './audit-outbox.ts';
import type { MongodbDatabase } from './client.ts';
import type { Index } from './indexes.ts';
import { listPage } from './list.ts';
import { forgetRemoved, type Removable, there } from './removed-documents.ts';
import { isDuplicateKey } from './store-error.ts';
import { changeVersioned } from './versioned-change.ts';

export interface WebhookDocument extends Omit<Webhook, 'id'>, Audited, Removable {
  /** `<owner> <number>`: an owner has as many as there are numbers. The id, once it was removed. */
  readonly place: string;
  readonly state: WebhookState;
  /** Who delivers, and until when nobody else may. */
  readonly holder?: string;
  readonly until?: number;
}

export const webhookIndexes: readonly Index[] = [
  { collection: 'webhooks', key: { place: 1 }, unique: true },
  { collection: 'webhooks', key: { ownerId: 1, _id: 1 } },
];

function storedWebhook(document: WebhookDocument): StoredWebhook {
  const { _id, place, state, holder, until, outbox, removed, ...webhook } = document;
  return { webhook: { id: _id, ...webhook }, state };
}

export function mongodbWebhooks(database: MongodbDatabase, outbox: AuditOutbox): Webhooks {
  const webhooks = database.collection('webhooks');
  /** False where the place is taken. */
  const insertAt = async (place: string, { webhook, state }: StoredWebhook, audit?: AuditEntry): Promise<boolean> => {
    const { id, ...fields } = webhook;
    try {
      await database.ask(() => webhooks.insertOne({ _id: id, ...fields, place, state, ...outboxOf(audit) }));
      return true;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return false;
    }
  };
  return {
    async insert(stored, { most, audit }) {
      const { id, ownerId } = stored.webhook;
      for (let number = 0; number < most; number += 1) {
        if (!(await insertAt(`${ownerId} ${number}`, stored, audit))) continue;
        await outbox.publish('webhooks', id, audit);
        return true;
      }
      return false;
    },
    async get(id) {
      const found = await database.ask(() => webhooks.findOne({ _id: id, ...there }));
      return found === null ? null : storedWebhook(found);
    },
    list({ ownerId, after, limit }) {
      const filter = { ...there, ...(ownerId === undefined ? {} : { ownerId }) };
      return listPage(database, webhooks, { filter, key: '_id', descending: false, after, limit }, storedWebhook);
    },
    async enabled() {
      const on = { enabled: true, ...there };
      return (await database.ask(() => webhooks.find(on, { sort: { _id: 1 } }).toArray())).map(storedWebhook);
    },
    update(id, change, { state, ...options } = {}) {
      const fields = { ...change, ...(state === undefined ? {} : { state }) };
      return changeVersioned(database, outbox, 'webhooks', id, fields, { ...options, only: there });
    },
    async remove(id, audit) {
      const push = audit === undefined ? {} : { $push: { outbox: auditDocument(audit) } };
      const { matchedCount } = await database.ask(() =>
        webhooks.updateOne({ _id: id, ...there }, { $set: { removed: true, place: id }, ...push }),
      );
      if (matchedCount === 0) return false;
      await outbox.publish('webhooks', id, audit);
      await forgetRemoved(database, 'webhooks', id);
      return true;
    },
    async hold(id, holder, now, until) {
      const free = { $or: [{ holder }, { holder: { $exists: false } }, { until: { $lte: now } }] };
      const held = await database.ask(() =>
        webhooks.findOneAndUpdate(
          { _id: id, enabled: true, ...there, ...free },
          { $set: { holder, until } },
          { returnDocument: 'after' },
        ),
      );
      return held === null ? null : storedWebhook(held);
    },
    async saveState(id, holder, state) {
      const { matchedCount } = await database.ask(() =>
        webhooks.updateOne({ _id: id, holder, ...there }, { $set: { state } }),
      );
      return matchedCount === 1;
    },
    async release(id, holder) {
      await database.ask(() => webhooks.updateOne({ _id: id, holder }, { $unset: { holder: 1, until: 1 } }));
    },
  };
}
