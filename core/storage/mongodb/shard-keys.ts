import type { CollectionName } from './collections.ts';

/** How one collection lies on the shards of a cluster. */
export interface Sharding {
  /** The shard key; null: it is not sharded, and lies whole on one shard. */
  readonly key: Readonly<Record<string, 1 | 'hashed'>> | null;
  readonly why: string;
}

/**
 * Where every collection lies on a sharded MongoDB: the one source of deploy/mongodb/shard.js, of the table in
 * docs/scaling.md, and of the check that every contract suite makes of the commands it has sent. A unique index has to
 * begin with the shard key, so what has one on something else is not sharded.
 */
export const shardKeys: Readonly<Record<CollectionName | 'clock', Sharding>> = {
  messages: {
    key: { slot: 1, _id: 1 },
    why: 'the slot is the random end of the id: 64 places, which claims name; every write for one message has both',
  },
  bodies: { key: { _id: 'hashed' }, why: 'pieces are written, read and deleted by their whole `_id`' },
  attempts: { key: { _id: 'hashed' }, why: 'those that left their record, asked for by their whole `_id`' },
  statistics: { key: { owner: 'hashed' }, why: 'every increment and every question of a user names the owner' },
  domain_statistics: { key: { owner: 'hashed' }, why: 'as `statistics`' },
  upstream_statistics: { key: { owner: 'hashed' }, why: 'as `statistics`' },
  known_addresses: { key: { _id: 'hashed' }, why: 'one a credential and address, always asked for by `_id`' },
  key_values: { key: { _id: 'hashed' }, why: 'what plugins keep, always asked for by `_id`' },
  idempotency_keys: { key: { _id: 'hashed' }, why: 'always asked for by `_id`' },
  events: { key: null, why: 'one row of numbers without a gap, and unique keys: one shard writes it, for all' },
  users: { key: null, why: 'two unique indexes; changes by people, kept in the memory of the processes' },
  credentials: { key: null, why: 'a unique index on the user name; kept in the memory of the processes' },
  api_keys: { key: null, why: 'a unique index on the fingerprint; calls of the API, not mail' },
  sessions: { key: null, why: 'a unique index on the refresh token; logins of people, not mail' },
  session_ends: { key: null, why: 'orders of people, gone once carried out' },
  webhooks: { key: null, why: 'a unique index on the place; a few an owner' },
  blacklist: { key: null, why: 'read as a whole by each process, changed by people and by auto-ban' },
  audit_log: { key: null, why: 'what people do, not mail; read by time' },
  settings: { key: null, why: 'a few versions' },
  revisions: { key: null, why: 'two documents' },
  processes: { key: null, why: 'one a process' },
  rehearsals: { key: null, why: 'one for each dry run of the moment' },
  setup: { key: null, why: 'one document' },
  days: { key: null, why: 'one a day' },
  body_sweeps: { key: null, why: 'one document' },
  migration: { key: null, why: 'one document' },
  schema_version: { key: null, why: 'one document' },
  clock: { key: null, why: 'one document' },
};
