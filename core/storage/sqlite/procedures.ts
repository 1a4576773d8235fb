import type { DatabaseSync } from 'node:sqlite';
import type { ApiSession, SmtpCredential, User } from '../ports/accounts.ts';
import type { BlacklistEntry } from '../ports/blacklist.ts';
import type { QueueAction } from '../ports/mail-log.ts';
import { AccountRows, type Touch } from './account-rows.ts';
import { BlacklistRows } from './blacklist-rows.ts';
import { KeyValueRows } from './key-value-rows.ts';
import type { ActionAnswer, QueueActionRows } from './queue-actions.ts';
import type { Retention, RetentionTimes } from './retention.ts';

/** What the writer does on request besides moving mail, by name: each call is part of a group commit. */
export interface WriteProcedures {
  insertUser(user: User): { conflict: 'username' | 'email' } | null;
  updateUser(id: string, change: Partial<User>): boolean;
  claimSetup(userId: string, at: number): boolean;
  insertCredential(credential: SmtpCredential): { conflict: 'username' } | null;
  updateCredential(id: string, change: Partial<SmtpCredential>): boolean;
  touchCredentials(touches: readonly Touch[]): void;
  insertSession(session: ApiSession): void;
  revokeSession(id: string, at: number): void;
  putBlacklist(entry: BlacklistEntry): void;
  removeBlacklist(id: string): boolean;
  setKeyValue(plugin: string, key: string, value: string, expiresAt: number | null): void;
  deleteKeyValue(plugin: string, key: string): void;
  act(id: string, action: QueueAction): ActionAnswer;
  wake(upstream: string, spreadMilliseconds: number): number;
  retain(times: RetentionTimes): number;
  closeDay(day: number, counts: string): void;
}

export function writeProcedures(
  database: DatabaseSync,
  parts: { actions: QueueActionRows; retention: Retention; now: () => number },
): WriteProcedures {
  const accounts = new AccountRows(database);
  const blacklist = new BlacklistRows(database);
  const keyValues = new KeyValueRows(database);
  const { actions, retention, now } = parts;
  return {
    insertUser: (user) => accounts.insertUser(user),
    updateUser: (id, change) => accounts.updateUser(id, change),
    claimSetup: (userId, at) => accounts.claimSetup(userId, at),
    insertCredential: (credential) => accounts.insertCredential(credential),
    updateCredential: (id, change) => accounts.updateCredential(id, change),
    touchCredentials: (touches) => accounts.touchCredentials(touches),
    insertSession: (session) => accounts.insertSession(session),
    revokeSession: (id, at) => accounts.revokeSession(id, at),
    putBlacklist: (entry) => blacklist.put(entry),
    removeBlacklist: (id) => blacklist.remove(id),
    setKeyValue: (plugin, key, value, expiresAt) => keyValues.set(plugin, key, value, expiresAt),
    deleteKeyValue: (plugin, key) => keyValues.delete(plugin, key),
    act: (id, action) => actions.act(id, action, now()),
    wake: (upstream, spreadMilliseconds) => actions.wake(upstream, spreadMilliseconds, now()),
    retain: (times) => retention.step(times, now()),
    closeDay: (day, counts) => retention.closeDay(day, counts),
  };
}
