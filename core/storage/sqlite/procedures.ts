import type { DatabaseSync } from 'node:sqlite';
import type { QueueOrder } from '../../domain/message.ts';
import type { ChangeOptions, SmtpCredential, User } from '../ports/accounts.ts';
import type { ApiKey, ApiSession, Refreshed, RefreshToken } from '../ports/api-access.ts';
import type { AuditEntry } from '../ports/audit-log.ts';
import type { Blacklist, BlacklistEntry } from '../ports/blacklist.ts';
import type { Remembered } from '../ports/idempotency.ts';
import type { OrderCounts } from '../ports/mail-log.ts';
import type { NewSettingsVersion } from '../ports/settings.ts';
import type { StoredWebhook, Webhook, WebhookState } from '../ports/webhooks.ts';
import { AccountRows, type Touch } from './account-rows.ts';
import { ApiAccessRows } from './api-access-rows.ts';
import { AuditRows } from './audit-rows.ts';
import { BlacklistRows } from './blacklist-rows.ts';
import type { EventRows } from './event-rows.ts';
import { IdempotencyRows } from './idempotency-rows.ts';
import { KeyValueRows } from './key-value-rows.ts';
import type { ActionAnswer, QueueActionRows } from './queue-actions.ts';
import type { Retention, RetentionTimes } from './retention.ts';
import { SettingsRows } from './settings-rows.ts';
import { WebhookRows } from './webhook-rows.ts';

/** What the writer does on request besides moving mail, by name: each call is part of a group commit. */
export interface WriteProcedures {
  insertUser(user: User, audit?: AuditEntry): { conflict: 'username' | 'email' } | null;
  updateUser(id: string, change: Partial<User>, options?: ChangeOptions): boolean;
  claimSetup(userId: string, at: number, audit?: AuditEntry): boolean;
  insertCredential(credential: SmtpCredential, audit?: AuditEntry): { conflict: 'username' } | null;
  updateCredential(id: string, change: Partial<SmtpCredential>, options?: ChangeOptions): boolean;
  touchCredentials(touches: readonly Touch[]): void;
  startSession(session: ApiSession, token: RefreshToken, audit?: AuditEntry): void;
  touchSession(id: string, at: number): void;
  revokeSession(id: string, at: number, audit?: AuditEntry): boolean;
  refresh(fingerprint: string, next: RefreshToken, at: number): Refreshed;
  revokeSessions(userId: string, at: number, options?: { except?: string; audit?: AuditEntry }): number;
  insertApiKey(key: ApiKey, audit?: AuditEntry): void;
  revokeApiKey(id: string, at: number, audit?: AuditEntry): boolean;
  touchApiKey(id: string, at: number): void;
  appendAudit(entry: AuditEntry): void;
  beginIdempotent(key: string, digest: string, at: number, expiresAt: number): Remembered;
  finishIdempotent(key: string, answer: string): void;
  abandonIdempotent(key: string): void;
  insertBlacklist(entry: BlacklistEntry, audit?: AuditEntry): BlacklistEntry | null;
  updateBlacklist(...call: Parameters<Blacklist['update']>): Awaited<ReturnType<Blacklist['update']>>;
  putBlacklist(entries: readonly BlacklistEntry[], audit?: AuditEntry): void;
  removeBlacklist(id: string, options?: ChangeOptions): boolean;
  setKeyValue(plugin: string, key: string, value: string, expiresAt: number | null): void;
  deleteKeyValue(plugin: string, key: string): void;
  proposeSettings(version: NewSettingsVersion): boolean;
  acceptSettings(number: number): boolean;
  rejectSettings(number: number, reason: string): boolean;
  insertWebhook(stored: StoredWebhook, options: { most: number; audit?: AuditEntry }): boolean;
  updateWebhook(id: string, change: Partial<Webhook>, options?: ChangeOptions & { state?: WebhookState }): boolean;
  removeWebhook(id: string, audit?: AuditEntry): boolean;
  holdWebhook(id: string, holder: string, now: number, until: number): StoredWebhook | null;
  saveWebhookState(id: string, holder: string, state: WebhookState): boolean;
  releaseWebhook(id: string, holder: string): void;
  act(id: string, order: QueueOrder, audit?: AuditEntry): ActionAnswer;
  actOn(ids: readonly string[], order: QueueOrder, audit?: AuditEntry): OrderCounts;
  wake(upstream: string, spreadMilliseconds: number): number;
  retain(times: RetentionTimes): number;
  closeDay(day: number, counts: string): void;
}

export function writeProcedures(
  database: DatabaseSync,
  parts: { actions: QueueActionRows; retention: Retention; events: EventRows; now: () => number },
): WriteProcedures {
  const audit = new AuditRows(database);
  const accounts = new AccountRows(database, audit);
  const access = new ApiAccessRows(database, audit);
  const idempotency = new IdempotencyRows(database);
  const blacklist = new BlacklistRows(database, audit);
  const keyValues = new KeyValueRows(database);
  const settings = new SettingsRows(database, parts.events);
  const webhooks = new WebhookRows(database, audit);
  const { actions, retention, now } = parts;
  return {
    insertUser: (user, entry) => accounts.insertUser(user, entry),
    updateUser: (id, change, options) => accounts.updateUser(id, change, options),
    claimSetup: (userId, at, entry) => accounts.claimSetup(userId, at, entry),
    insertCredential: (credential, entry) => accounts.insertCredential(credential, entry),
    updateCredential: (id, change, options) => accounts.updateCredential(id, change, options),
    touchCredentials: (touches) => accounts.touchCredentials(touches),
    startSession: (session, token, entry) => access.startSession(session, token, entry),
    touchSession: (id, at) => access.touchSession(id, at),
    revokeSession: (id, at, entry) => access.revokeSession(id, at, entry),
    refresh: (fingerprint, next, at) => access.refresh(fingerprint, next, at),
    revokeSessions: (userId, at, options) => access.revokeSessions(userId, at, options),
    insertApiKey: (key, entry) => access.insertApiKey(key, entry),
    revokeApiKey: (id, at, entry) => access.revokeApiKey(id, at, entry),
    touchApiKey: (id, at) => access.touchApiKey(id, at),
    appendAudit: (entry) => audit.append(entry),
    beginIdempotent: (key, digest, at, expiresAt) => idempotency.begin(key, digest, at, expiresAt),
    finishIdempotent: (key, answer) => idempotency.finish(key, answer),
    abandonIdempotent: (key) => idempotency.abandon(key),
    insertBlacklist: (entry, audited) => blacklist.insert(entry, audited),
    updateBlacklist: (...call) => blacklist.update(...call),
    putBlacklist: (entries, audited) => blacklist.putAll(entries, audited),
    removeBlacklist: (id, options) => blacklist.remove(id, options),
    setKeyValue: (plugin, key, value, expiresAt) => keyValues.set(plugin, key, value, expiresAt),
    deleteKeyValue: (plugin, key) => keyValues.delete(plugin, key),
    proposeSettings: (version) => settings.propose(version),
    acceptSettings: (number) => settings.accept(number, now()),
    rejectSettings: (number, reason) => settings.reject(number, reason),
    insertWebhook: (stored, options) => webhooks.insert(stored, options),
    updateWebhook: (id, change, options) => webhooks.update(id, change, options),
    removeWebhook: (id, entry) => webhooks.remove(id, entry),
    holdWebhook: (id, holder, at, until) => webhooks.hold(id, holder, at, until),
    saveWebhookState: (id, holder, state) => webhooks.saveState(id, holder, state),
    releaseWebhook: (id, holder) => webhooks.release(id, holder),
    act: (id, order, entry) => {
      const answer = actions.act(id, order, now());
      if (entry !== undefined && (answer === 'done' || answer === 'requested')) audit.append(entry);
      return answer;
    },
    actOn: (ids, order, entry) => {
      const counts = actions.actOn(ids, order, now());
      const changed = counts.done + counts.requested > 0;
      if (entry !== undefined && changed) audit.append({ ...entry, after: { ...entry.after, ...counts } });
      return counts;
    },
    wake: (upstream, spreadMilliseconds) => actions.wake(upstream, spreadMilliseconds, now()),
    retain: (times) => retention.step(times, now()),
    closeDay: (day, counts) => retention.closeDay(day, counts),
  };
}
