import type { Document } from 'mongodb';
import { credentialDocument, userDocument } from '../storage/mongodb/account-documents.ts';
import { auditDocument } from '../storage/mongodb/audit-outbox.ts';
import { blacklistFields, placeOf } from '../storage/mongodb/blacklist-documents.ts';
import type { CollectionName } from '../storage/mongodb/collections.ts';
import { apiKeyDocument } from '../storage/mongodb/session-documents.ts';
import type { User } from '../storage/ports/accounts.ts';
import type { AuditEntry } from '../storage/ports/audit-log.ts';
import type { StoredWebhook } from '../storage/ports/webhooks.ts';
import { deliveryColumns, statisticsColumns, transactionColumns } from '../storage/rules/statistics-columns.ts';
import { credentialOf } from '../storage/sqlite/account-rows.ts';
import { apiKeyOf, sessionOf } from '../storage/sqlite/api-access-rows.ts';
import { blacklistEntry } from '../storage/sqlite/blacklist-reader.ts';
import { domainColumns, upstreamColumns } from '../storage/sqlite/statistics.ts';
import type { Copy } from './copy.ts';
import type { EmbeddedSource } from './embedded-source.ts';

type Row = Record<string, unknown>;

interface TableCopy {
  readonly name: string;
  readonly table: string;
  /** What makes the order of its rows. */
  readonly key: string;
  readonly collection: CollectionName;
  readonly document: (row: Row, source: EmbeddedSource) => Document;
}

const pageRows = 500;

const hourKey = (row: Row, source: EmbeddedSource, name?: string | null): Document => ({
  hour: Number(row.hour),
  owner: source.nameOf(row.owner),
  credential: source.nameOf(row.credential),
  ...(name === undefined ? {} : { name }),
});

/** Sums that are 0 are absent. */
function sums(row: Row, source: EmbeddedSource, columns: readonly string[], name?: string | null): Document {
  const key = hourKey(row, source, name);
  const counted = columns.map((column) => [column, Number(row[column])] as const).filter(([, count]) => count !== 0);
  return { _id: key, ...key, ...Object.fromEntries(counted) };
}

function sessionDocument(row: Row, { database }: EmbeddedSource): Document {
  const { id, ...session } = sessionOf(row);
  const tokens = database
    .prepare(
      'SELECT fingerprint, expires_at, used_at FROM refresh_tokens WHERE session_id = ? ORDER BY used_at, expires_at',
    )
    .all(id);
  const current = tokens.find(({ used_at }) => used_at === null);
  const used = tokens.filter(({ used_at }) => used_at !== null);
  return {
    _id: id,
    ...session,
    // Its id is no token's fingerprint.
    token: current === undefined ? id : String(current.fingerprint),
    tokenExpiresAt: current === undefined ? 0 : Number(current.expires_at),
    used: used.map((token) => ({ fingerprint: String(token.fingerprint), expiresAt: Number(token.expires_at) })),
  };
}

/** Webhooks of one owner, numbered from the oldest. */
function webhookDocument(row: Row, { database }: EmbeddedSource): Document {
  const webhook = JSON.parse(String(row.row)) as StoredWebhook['webhook'];
  const { id, ...fields } = webhook;
  const older = database
    .prepare('SELECT count(*) AS number FROM webhooks WHERE owner_id = ? AND id < ?')
    .get(webhook.ownerId, id);
  return { _id: id, ...fields, place: `${webhook.ownerId} ${older?.number}`, state: JSON.parse(String(row.state)) };
}

const optional = (name: string, value: unknown): Document => (value === null ? {} : { [name]: Number(value) });

const tables: readonly TableCopy[] = [
  {
    name: 'users',
    table: 'users',
    key: 'id',
    collection: 'users',
    document: ({ row }) => userDocument(JSON.parse(String(row)) as User),
  },
  {
    name: 'credentials',
    table: 'credentials',
    key: 'id',
    collection: 'credentials',
    document: (row) => credentialDocument(credentialOf(row)),
  },
  {
    name: 'addresses that logins came from',
    table: 'known_addresses',
    key: 'credential_id, address',
    collection: 'known_addresses',
    document: (row) => ({ _id: `${row.credential_id} ${row.address}`, at: Number(row.at) }),
  },
  {
    name: 'the first administrator',
    table: 'setup',
    key: 'one',
    collection: 'setup',
    document: (row) => ({ _id: 'setup', administrator: String(row.administrator), at: Number(row.at), applied: true }),
  },
  { name: 'API sessions', table: 'sessions', key: 'id', collection: 'sessions', document: sessionDocument },
  {
    name: 'API keys',
    table: 'api_keys',
    key: 'id',
    collection: 'api_keys',
    document: (row) => apiKeyDocument(apiKeyOf(row)),
  },
  {
    name: 'audit log',
    table: 'audit_log',
    key: 'id',
    collection: 'audit_log',
    document: ({ entry }) => auditDocument(JSON.parse(String(entry)) as AuditEntry),
  },
  {
    name: 'answers to repeated requests',
    table: 'idempotency_keys',
    key: 'key',
    collection: 'idempotency_keys',
    document: ({ key, digest, answer, expires_at: expiresAt }) => ({
      _id: String(key),
      digest: String(digest),
      answer: answer === null ? null : String(answer),
      expiresAt: Number(expiresAt),
    }),
  },
  {
    name: 'blacklist',
    table: 'blacklist',
    key: 'place',
    collection: 'blacklist',
    document: (row) => {
      const entry = blacklistEntry(row);
      return { _id: placeOf(entry.network), ...blacklistFields(entry) };
    },
  },
  {
    name: 'values of plugins',
    table: 'key_values',
    key: 'plugin, key',
    collection: 'key_values',
    document: ({ plugin, key, value, expires_at: expiresAt }) => ({
      _id: { plugin: String(plugin), key: String(key) },
      value: String(value),
      ...optional('expiresAt', expiresAt),
    }),
  },
  {
    name: 'settings of plugins',
    table: 'settings',
    key: 'number',
    collection: 'settings',
    document: ({ number, state, reason, version }) => ({ _id: Number(number), state, reason, version }),
  },
  { name: 'webhooks', table: 'webhooks', key: 'id', collection: 'webhooks', document: webhookDocument },
  {
    name: 'statistics',
    table: 'statistics',
    key: 'owner, credential, hour',
    collection: 'statistics',
    document: (row, source) => sums(row, source, statisticsColumns),
  },
  {
    name: 'statistics by domain',
    table: 'domain_statistics',
    key: 'hour, owner, credential, domain',
    collection: 'domain_statistics',
    document: (row, source) => sums(row, source, domainColumns, String(row.domain)),
  },
  {
    name: 'statistics by upstream',
    table: 'upstream_statistics',
    key: 'hour, owner, credential, upstream',
    collection: 'upstream_statistics',
    document: (row, source) =>
      sums(row, source, [...upstreamColumns, ...deliveryColumns, ...transactionColumns], source.nameOf(row.upstream)),
  },
  {
    name: 'closed days',
    table: 'days',
    key: 'final_day',
    collection: 'days',
    document: (row) => ({ _id: Number(row.final_day), ...JSON.parse(String(row.counts)) }),
  },
];

/** Everything but mail and events. */
export const tableCopies = (source: EmbeddedSource): Copy[] =>
  tables.map(({ name, table, key, collection, document }) => ({
    name,
    collection,
    total: () => source.count(table),
    page(from) {
      const rows = source.database
        .prepare(`SELECT * FROM ${table} ORDER BY ${key} LIMIT ? OFFSET ?`)
        .all(pageRows, from);
      const documents = rows.map((row) => document(row, source));
      const next = rows.length === pageRows ? from + pageRows : null;
      return { writes: [{ collection, documents }], rows: rows.length, next };
    },
  }));
