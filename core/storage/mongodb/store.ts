import { type Clock, systemClock } from '../../domain/clock.ts';
import type { AcceptedRecipients } from '../ports/accepted-recipients.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { ApiAccess } from '../ports/api-access.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Blacklist } from '../ports/blacklist.ts';
import type { Events } from '../ports/events.ts';
import type { IdempotencyStore } from '../ports/idempotency.ts';
import type { KeyValueStore } from '../ports/key-value.ts';
import type { ProcessList } from '../ports/processes.ts';
import type { Rehearsals } from '../ports/rehearsals.ts';
import type { SenderDomains } from '../ports/sender-domains.ts';
import type { SettingsStore } from '../ports/settings.ts';
import type { Webhooks } from '../ports/webhooks.ts';
import { acceptedRecipients } from './accepted-recipients.ts';
import { mongodbAccounts } from './accounts.ts';
import { mongodbApiAccess } from './api-access.ts';
import { mongodbAuditLog } from './audit-log.ts';
import { AuditOutbox } from './audit-outbox.ts';
import { BackgroundWrites } from './background-writes.ts';
import { MongodbBlacklist } from './blacklist.ts';
import { connectMongodb, type MongodbDatabase } from './client.ts';
import { CredentialUses } from './credential-uses.ts';
import { EventPublisher } from './events/event-publisher.ts';
import { MongodbEvents } from './events/events.ts';
import { deleteExpired } from './expiry.ts';
import { FirstAdministrator } from './first-administrator.ts';
import { mongodbIdempotency } from './idempotency.ts';
import { mongodbKeyValues } from './key-value.ts';
import { type MongodbMail, type MongodbMailOptions, openMongodbMail } from './mail/mail.ts';
import { migrate } from './migrate.ts';
import { refuseHalfMigrated } from './migration-target.ts';
import { mongodbProcesses } from './processes.ts';
import { mongodbRehearsals } from './rehearsals.ts';
import { sweepRemoved } from './removed-documents.ts';
import { Revisions } from './revisions.ts';
import { mongodbSenderDomains } from './sender-domains.ts';
import { MongodbSessions } from './sessions.ts';
import { mongodbSettings } from './settings.ts';
import { Sweeper } from './sweeper.ts';
import { mongodbWebhooks } from './webhooks.ts';

/** Times in milliseconds. */
export interface MongodbStoreOptions extends Omit<MongodbMailOptions, 'audit' | 'publisher'> {
  readonly uri: string;
  readonly clock?: Clock;
  /** Ends the waiting for a server that is not there, or for another process that migrates. */
  readonly signal?: AbortSignal;
  /** `worker.sweep`: how often what is past its time is looked for; absent where another process does so. */
  readonly sweep?: number;
}

/** All storage ports on one MongoDB. */
export interface MongodbStore extends Omit<MongodbMail, 'sweeps'> {
  readonly database: MongodbDatabase;
  readonly accepted: AcceptedRecipients;
  readonly accounts: Accounts;
  readonly apiAccess: ApiAccess;
  readonly auditLog: AuditLog;
  readonly idempotency: IdempotencyStore;
  readonly blacklist: Blacklist;
  readonly senderDomains: SenderDomains;
  readonly settings: SettingsStore;
  readonly processes: ProcessList;
  readonly rehearsals: Rehearsals;
  readonly events: Events;
  readonly webhooks: Webhooks;
  keyValue(pluginId: string): KeyValueStore;
  /** Deletes what is past its time now instead of at the next sweep. */
  sweep(): Promise<void>;
  /** Writes what was handed over, then disconnects. */
  close(): Promise<void>;
}

/** Waits for the server, migrates the database where it is needed, and answers every port on it. */
export async function openMongodbStore(options: MongodbStoreOptions): Promise<MongodbStore> {
  const { uri, log, clock = systemClock, signal = new AbortController().signal } = options;
  const database = await connectMongodb({ uri, log, signal });
  try {
    await migrate(database, { log, clock, signal });
    await refuseHalfMigrated(database);
    return await assemble(database, clock, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function assemble(database: MongodbDatabase, clock: Clock, options: MongodbStoreOptions): Promise<MongodbStore> {
  const { log } = options;
  const outbox = new AuditOutbox(database);
  const setup = new FirstAdministrator(database, outbox);
  await setup.complete();
  const uses = new CredentialUses(database);
  const background = new BackgroundWrites();
  const sessions = new MongodbSessions(database, outbox);
  const revisions = new Revisions(database);
  const blacklist = new MongodbBlacklist(database, { outbox, revisions });
  const events = new MongodbEvents(database, log);
  const publisher = new EventPublisher(database, { log, published: () => events.told() });
  const { sweeps, ...mail } = await openMongodbMail(database, { ...options, audit: outbox, publisher });
  const sweeper = new Sweeper([
    ...sweeps,
    (limit) => sessions.sweep(limit),
    (limit) => outbox.sweep(limit),
    () => sweepRemoved(database),
    (limit) => publisher.sweep(limit, clock.now()),
    (limit) => events.sweep(limit, clock.now()),
    (limit) => deleteExpired(database, clock, limit),
  ]);
  if (options.sweep !== undefined) {
    sweeper.start(options.sweep, (error) => log.warn({ err: error }, 'what is past its time could not be deleted'));
  }
  return {
    ...mail,
    database,
    accepted: acceptedRecipients(mail.mailLog),
    accounts: mongodbAccounts(database, { outbox, setup, uses, revisions }),
    apiAccess: mongodbApiAccess(database, { outbox, sessions, background }),
    auditLog: mongodbAuditLog(database),
    idempotency: mongodbIdempotency(database),
    blacklist,
    senderDomains: mongodbSenderDomains(database),
    settings: mongodbSettings(database, publisher, clock),
    events,
    processes: mongodbProcesses(database),
    rehearsals: mongodbRehearsals(database),
    webhooks: mongodbWebhooks(database, outbox),
    keyValue: (pluginId) => mongodbKeyValues(database, pluginId),
    sweep: () => sweeper.sweep(),
    async close() {
      await sweeper.stop();
      await mail.close();
      events.close();
      await Promise.all([uses.flush(), background.done(), publisher.drained()]);
      await database.close();
    },
  };
}
