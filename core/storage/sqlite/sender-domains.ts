import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Page } from '../ports/accounts.ts';
import type { SenderDomain, SenderDomainListOptions, SenderDomains } from '../ports/sender-domains.ts';
import type { ReaderClient } from './reader-client.ts';

export const sqliteSenderDomains = (reader: ReaderClient): SenderDomains => ({
  list: (options) => reader.call('listSenderDomains', options),
});

const living = (table: string): string => `json_extract(${table}.row, '$.deletedAt') IS NULL`;
const every = `
  SELECT d.value AS domain, users.id AS owner, '' AS credential FROM users, json_each(users.row, '$.domains') d
  WHERE ${living('users')}
  UNION ALL
  SELECT d.value, credentials.owner_id, credentials.id FROM credentials, json_each(credentials.row, '$.domains') d
  WHERE ${living('credentials')}`;

const orders = { domain: ['domain', 'owner', 'credential'], owner_id: ['owner', 'domain', 'credential'] } as const;
type Column = (typeof orders)['domain'][number];

/** Domains hold no colon; the cursor is that of the last one shown: `<owner>:<credential>:<domain>`. */
const cursorOf = ({ ownerId, credentialId, domain }: SenderDomain): string =>
  `${ownerId}:${credentialId ?? ''}:${domain}`;

export function listSenderDomains(database: DatabaseSync, options: SenderDomainListOptions): Page<SenderDomain> {
  const { sort = 'domain', descending = false, after, limit } = options;
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (condition: string, ...given: SQLInputValue[]): void => {
    conditions.push(condition);
    values.push(...given);
  };
  if (options.ownerId !== undefined) add('owner = ?', options.ownerId);
  if (options.credentialId !== undefined) add('credential = ?', options.credentialId);
  if (options.of !== undefined) add(`credential ${options.of === 'user' ? '=' : '<>'} ''`);
  if (options.search !== undefined) add('instr(domain, ?) > 0', options.search.toLowerCase());
  const columns: readonly Column[] = orders[sort];
  if (after !== undefined) {
    const [owner = '', credential = '', domain = ''] = after.split(':');
    const last: Record<Column, string> = { owner, credential, domain };
    const operator = descending ? '<' : '>';
    add(`(${columns.join(', ')}) ${operator} (?, ?, ?)`, ...columns.map((column) => last[column]));
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const order = columns.map((column) => `${column} ${descending ? 'DESC' : 'ASC'}`).join(', ');
  const rows = database
    .prepare(`SELECT domain, owner, credential FROM (${every}) ${where} ORDER BY ${order} LIMIT ?`)
    .all(...values, limit + 1);
  const items = rows.slice(0, limit).map(
    ({ domain, owner, credential }): SenderDomain => ({
      domain: String(domain),
      ownerId: String(owner),
      credentialId: credential === '' ? null : String(credential),
    }),
  );
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}
