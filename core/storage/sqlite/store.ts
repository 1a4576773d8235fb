import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { SluiceError } from '../../domain/errors.ts';
import type { Logger } from '../../observability/log.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { ApiAccess } from '../ports/api-access.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Blacklist } from '../ports/blacklist.ts';
import type { CounterTotal } from '../ports/counters.ts';
import type { DeliveryStatistics } from '../ports/delivery-statistics.ts';
import type { Events } from '../ports/events.ts';
import type { IdempotencyStore } from '../ports/idempotency.ts';
import type { KeyValueStore } from '../ports/key-value.ts';
import type { MailLog, QueueActions } from '../ports/mail-log.ts';
import type { MessageStore } from '../ports/message-store.ts';
import type { SenderDomains } from '../ports/sender-domains.ts';
import type { SettingsStore } from '../ports/settings.ts';
import type { Webhooks } from '../ports/webhooks.ts';
import { SqliteAccounts } from './accounts.ts';
import { sqliteApiAccess, sqliteAuditLog, sqliteIdempotency } from './api-access.ts';
import { DiskSpace } from './disk-space.ts';
import { sqliteEvents, sqliteWebhooks } from './events.ts';
import { lockFolder } from './lock.ts';
import { sqliteMailLog } from './mail-log.ts';
import { MessageStoreClient } from './message-store-client.ts';
import { ReaderClient } from './reader-client.ts';
import { sqliteSenderDomains } from './sender-domains.ts';
import { sqliteSettings } from './settings.ts';
import { sqliteBlacklist, sqliteKeyValues, sqliteQueueActions } from './small-stores.ts';
import { Sweeper } from './sweeper.ts';
import { WriterClient } from './writer-client.ts';

/** Times in milliseconds, sizes in bytes. */
export interface SqliteStoreOptions {
  /** The data folder; made if it is not there. */
  readonly folder: string;
  readonly log: Logger;
  /** Start although the database holds less than was accepted. */
  readonly acceptLoss?: boolean;
  /** `worker.ambiguous_delay`: when mail is tried again that may have been sent already. */
  readonly ambiguousDelay: number;
  /** `retention.free_space`: with less than this on the disk no mail is taken. */
  readonly freeSpace: number;
  /** Room kept occupied for the worker's use on a full disk. Default 8 MB. */
  readonly reserve?: number;
  /** `smtp.limits.unwritten`: bytes waiting for the disk beyond which no mail is taken. */
  readonly unwritten: number;
  readonly retention: {
    /** Bodies of captured mail. */
    readonly captured: number;
    /** Records of finished mail, and refusals. */
    readonly log: number;
    /** Twice the DATA deadline: a large body that takes longer is given up. */
    readonly receiving: number;
  };
  /** `worker.sweep`: how often what is past its time is looked for. */
  readonly sweep: number;
  /** The writer thread is gone; everything answers `STORE_UNAVAILABLE` from then on. */
  readonly onFailure?: (error: SluiceError) => void;
}

/** All storage ports on one SQLite database. */
export interface SqliteStore {
  readonly messages: MessageStore;
  readonly mailLog: MailLog;
  readonly deliveryStatistics: DeliveryStatistics;
  readonly queueActions: QueueActions;
  readonly accounts: Accounts;
  readonly apiAccess: ApiAccess;
  readonly auditLog: AuditLog;
  readonly idempotency: IdempotencyStore;
  readonly blacklist: Blacklist;
  readonly senderDomains: SenderDomains;
  readonly settings: SettingsStore;
  readonly events: Events;
  readonly webhooks: Webhooks;
  keyValue(pluginId: string): KeyValueStore;
  /** Settled totals of quota windows that are not over; read once, at the start. */
  loadCounters(): Promise<readonly CounterTotal[]>;
  /** `drain` is asked before each commit for totals that changed; they are written in it. */
  attachCounters(drain: () => readonly CounterTotal[]): void;
  /** To be transferred to the relay thread, for `connectDeliveryStore` there. Closing it ends the leases it holds. */
  deliveryPort(): MessagePort;
  /** Deletes what is past its time now instead of at the next sweep. */
  sweep(): Promise<void>;
  /** Writes what was handed over, then closes database and folder; once, however often it is asked to. Close delivery ports first. */
  close(): Promise<void>;
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    // No closer look at the error: for a read-only file system Node says ENOENT here.
    throw new SluiceError(
      'STORE_UNAVAILABLE',
      `The data folder ${folder} cannot be made; check the rights of the folder above it, or set SLUICE_DATA_DIR`,
      { cause: error },
    );
  }
}

const reserveBytes = 8 * 1024 * 1024;

/**
 * Opens, creating or migrating where needed, the database of a data folder, which is locked until `close`.
 * Rejects with `DATA_DIRECTORY_LOCKED`, `STORE_NEWER`, `STORE_CORRUPT`, `STORE_FULL` or `STORE_UNAVAILABLE`.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { folder, log, retention } = options;
  makeFolder(folder);
  const lock = lockFolder(folder);
  try {
    return await open(options);
  } catch (error) {
    lock.release();
    throw error;
  }

  async function open({ onFailure, ...rest }: SqliteStoreOptions): Promise<SqliteStore> {
    const file = join(folder, 'sluice.db');
    const space = { lowWater: rest.freeSpace, reserve: rest.reserve ?? reserveBytes };
    const acceptLoss = rest.acceptLoss ?? false;
    const writer = await WriterClient.open(
      { folder, file, acceptLoss, ambiguousDelay: rest.ambiguousDelay, ...space },
      (error) => {
        log.fatal({ err: error }, 'the database cannot be written any more');
        onFailure?.(error);
      },
    );
    if (writer.start.warning !== null) log.warn(writer.start.warning);
    if (writer.start.abandoned > 0) {
      log.warn(
        { messages: writer.start.abandoned },
        'the last process ended while it was relaying; these may be sent twice',
      );
    }
    const { commits } = writer;
    const reader = new ReaderClient(file, 'reader');
    const bodies = new ReaderClient(file, 'body-reader');
    // A year of figures takes a moment to add up; a login does not wait for it.
    const statistics = new ReaderClient(file, 'statistics-reader');
    const accounts = new SqliteAccounts(commits, reader);
    const events = sqliteEvents(commits, reader);
    writer.onEvents = () => events.told();
    const sweeper = new Sweeper(commits, reader, retention);
    sweeper.start(rest.sweep, (error) => log.warn({ err: error }, 'old mail could not be deleted'));
    const disk = new DiskSpace(folder, space);
    const hasRoom = (): boolean => commits.unwritten < rest.unwritten && disk.hasRoom();
    let closed: Promise<void> | null = null;

    async function close(): Promise<void> {
      await sweeper.stop();
      accounts.flush();
      await Promise.all([reader.close(), bodies.close(), statistics.close()]);
      await writer.close();
      lock.release();
    }

    return {
      messages: new MessageStoreClient(commits, (id, n) => bodies.call('readChunk', id, n), hasRoom),
      mailLog: sqliteMailLog(reader),
      deliveryStatistics: { summarise: (question) => statistics.call('summarise', question) },
      queueActions: sqliteQueueActions(commits),
      accounts,
      apiAccess: sqliteApiAccess(commits, reader),
      auditLog: sqliteAuditLog(commits, reader),
      idempotency: sqliteIdempotency(commits),
      blacklist: sqliteBlacklist(commits, reader),
      senderDomains: sqliteSenderDomains(reader),
      settings: sqliteSettings(commits, reader),
      events,
      webhooks: sqliteWebhooks(commits, reader),
      keyValue: (pluginId) => sqliteKeyValues(pluginId, commits, reader),
      loadCounters: () => reader.call('counters', Date.now()),
      attachCounters: (drain) => commits.attachCounters(drain),
      deliveryPort: () => writer.port(),
      sweep: () => sweeper.sweep(),
      close() {
        closed ??= close();
        return closed;
      },
    };
  }
}
