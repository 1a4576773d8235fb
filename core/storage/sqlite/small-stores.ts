import type { Blacklist } from '../ports/blacklist.ts';
import type { KeyValueStore } from '../ports/key-value.ts';
import type { QueueActions } from '../ports/mail-log.ts';
import type { GroupCommit } from './group-commit.ts';
import type { ReaderClient } from './reader-client.ts';

export const sqliteBlacklist = (commits: GroupCommit, reader: ReaderClient): Blacklist => ({
  get: (id) => reader.call('blacklistEntry', id),
  byNetworks: (networks) => reader.call('blacklistByNetworks', networks),
  list: (filter, options) => reader.call('listBlacklist', filter, options),
  insert: (entry, audit) => commits.call('insertBlacklist', entry, audit),
  update: (id, change, options) => commits.call('updateBlacklist', id, change, options),
  put: (entry) => commits.call('putBlacklist', [entry]),
  putAll: (entries, audit) => commits.call('putBlacklist', entries, audit),
  remove: (id, options) => commits.call('removeBlacklist', id, options),
});

/** The values of one plugin id. */
export const sqliteKeyValues = (plugin: string, commits: GroupCommit, reader: ReaderClient): KeyValueStore => ({
  async get(key) {
    const value = await reader.call('keyValue', plugin, key, Date.now());
    return value === null ? undefined : JSON.parse(value);
  },
  set: (key, value, expiresAt) => commits.call('setKeyValue', plugin, key, JSON.stringify(value), expiresAt ?? null),
  delete: (key) => commits.call('deleteKeyValue', plugin, key),
});

export const sqliteQueueActions = (commits: GroupCommit): QueueActions => ({
  act: (id, order, audit) => commits.call('act', id, order, audit),
  actOn: (ids, order, audit) => commits.call('actOn', ids, order, audit),
});
