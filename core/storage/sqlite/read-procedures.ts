import type { DatabaseSync } from 'node:sqlite';
import type { CredentialListOptions, UserListOptions } from '../ports/accounts.ts';
import type { AuditFilter } from '../ports/audit-log.ts';
import type { StatisticsQuestion } from '../ports/delivery-statistics.ts';
import type { QueueFilter } from '../ports/mail-log.ts';
import type { SenderDomainListOptions } from '../ports/sender-domains.ts';
import { listCredentials, listUsers } from './account-list.ts';
import { AccountReader } from './account-reader.ts';
import { apiAccessReader } from './api-access-reader.ts';
import { readAuditLog } from './audit-rows.ts';
import { blacklistReader } from './blacklist-reader.ts';
import { ChunkReader } from './chunk-reader.ts';
import { conservation, dayToClose } from './conservation.ts';
import { readCounters } from './counter-rows.ts';
import { EventReader } from './event-reader.ts';
import { readKeyValue } from './key-value-rows.ts';
import { LogSearch } from './log-search.ts';
import { MailLogReader } from './mail-log-reader.ts';
import { queueMatches } from './queue-matches.ts';
import { listSenderDomains } from './sender-domains.ts';
import { listSettings, readCurrentSettings, readLatestSettings, readSettingsVersion } from './settings-rows.ts';
import { StatisticsReader } from './statistics-reader.ts';
import { enabledWebhooks, listWebhooks, readWebhook } from './webhook-rows.ts';

/** What the reader thread answers, by name. Each call reads what is committed at that moment. */
export function readProcedures(database: DatabaseSync) {
  const accounts = new AccountReader(database);
  const chunks = new ChunkReader(database);
  const log = new MailLogReader(database);
  const search = new LogSearch(database, log);
  const statistics = new StatisticsReader(database, (name) => log.number(name));
  const events = new EventReader(database);
  return {
    user: accounts.user.bind(accounts),
    userByEmail: accounts.userByEmail.bind(accounts),
    userByUsername: accounts.userByUsername.bind(accounts),
    listUsers: (options: UserListOptions) => listUsers(database, options),
    setupDone: accounts.setupDone.bind(accounts),
    credential: accounts.credential.bind(accounts),
    credentialByUsername: accounts.credentialByUsername.bind(accounts),
    listCredentials: (options: CredentialListOptions) => listCredentials(database, options),
    listSenderDomains: (options: SenderDomainListOptions) => listSenderDomains(database, options),
    knownAddress: accounts.knownAddress.bind(accounts),
    ...apiAccessReader(database),
    auditLog: (filter: AuditFilter, options: { after?: string; limit: number }) =>
      readAuditLog(database, filter, options),
    ...blacklistReader(database),
    counters: (now: number) => readCounters(database, now),
    keyValue: (plugin: string, key: string, now: number) => readKeyValue(database, plugin, key, now),
    currentSettings: () => readCurrentSettings(database),
    settingsVersion: (number: number) => readSettingsVersion(database, number),
    latestSettings: () => readLatestSettings(database),
    listSettings: (options: { after?: string; limit: number }) => listSettings(database, options),
    readChunk: chunks.readChunk.bind(chunks),
    list: search.list.bind(search),
    get: log.get.bind(log),
    attempts: log.attempts.bind(log),
    queue: log.queue.bind(log),
    queueMatches: (filter: QueueFilter, options: { after?: string; limit: number }) =>
      queueMatches(database, log, filter, options),
    queueState: log.queueState.bind(log),
    statistics: log.statistics.bind(log),
    summarise: (question: StatisticsQuestion) => statistics.summarise(question),
    acceptedBetween: log.acceptedBetween.bind(log),
    events: events.list.bind(events),
    eventBounds: events.bounds.bind(events),
    webhook: (id: string) => readWebhook(database, id),
    listWebhooks: (options: { ownerId?: string; after?: string; limit: number }) => listWebhooks(database, options),
    enabledWebhooks: () => enabledWebhooks(database),
    conservation: () => conservation(database),
    dayToClose: (today: number) => dayToClose(database, today),
  };
}

export type ReadProcedures = ReturnType<typeof readProcedures>;
