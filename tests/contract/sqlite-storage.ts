import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../core/observability/log.ts';
import { connectDeliveryStore } from '../../core/storage/sqlite/delivery-client.ts';
import { openSqliteStore } from '../../core/storage/sqlite/store.ts';
import type { CounterTotalsStorage } from './counter-totals.ts';
import type { EventStorage } from './events.ts';
import type { WebhookStorage } from './webhooks.ts';

export interface SqliteStorage extends CounterTotalsStorage, EventStorage, WebhookStorage {
  reopen(): Promise<SqliteStorage>;
  crash(): Promise<SqliteStorage>;
}

/** The SQLite adapter on a folder of its own. */
export const openSqlite = ({ ambiguousDelay = 600_000 } = {}): Promise<SqliteStorage> =>
  open(mkdtempSync(join(tmpdir(), 'sluice-contract-')), ambiguousDelay);

async function open(folder: string, ambiguousDelay: number): Promise<SqliteStorage> {
  const store = await openSqliteStore({
    folder,
    log: createLog({ level: 'silent' }),
    ambiguousDelay,
    freeSpace: 0,
    reserve: 0,
    unwritten: 64 * 1024 * 1024,
    retention: { captured: 86_400_000, log: 86_400_000, receiving: 600_000 },
    sweep: 3_600_000,
  });
  const worker = connectDeliveryStore(store.deliveryPort());
  return {
    messages: store.messages,
    deliveries: worker.deliveries,
    mailLog: store.mailLog,
    deliveryStatistics: store.deliveryStatistics,
    queueActions: store.queueActions,
    accounts: store.accounts,
    apiAccess: store.apiAccess,
    auditLog: store.auditLog,
    idempotency: store.idempotency,
    blacklist: store.blacklist,
    settings: store.settings,
    events: store.events,
    webhooks: store.webhooks,
    keyValue: store.keyValue,
    loadCounters: store.loadCounters,
    attachCounters: store.attachCounters,
    async reopen() {
      await worker.close();
      await store.close();
      return open(folder, ambiguousDelay);
    },
    async crash() {
      // Closing the store under the worker leaves its leases open in the database, as a crash does.
      await store.close();
      await worker.close();
      return open(folder, ambiguousDelay);
    },
    async close() {
      await worker.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}
