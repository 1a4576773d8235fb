import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { CredentialListOptions, Page, SmtpCredential, User, UserListOptions } from '../ports/accounts.ts';
import { credentialOf } from './account-rows.ts';

type Condition = readonly [sql: string, ...values: SQLInputValue[]];

interface Question {
  readonly table: 'users' | 'credentials';
  readonly columns: string;
  /** What it is sorted by; `id` is by age. */
  readonly key: string;
  readonly descending: boolean;
  readonly conditions: readonly Condition[];
  readonly after: string | undefined;
  readonly limit: number;
}

const has = (field: string): string => `json_extract(row, '$.${field}')`;
const living: Condition = [`${has('deletedAt')} IS NULL`];
const enabled = (value: boolean): Condition => [`${has('enabled')} = ?`, value ? 1 : 0];

/**
 * Rows in the order of `key`, then of their ids. The cursor is the id of the last row, which is still there when the
 * next page is asked for: nothing is ever deleted from these tables.
 */
function rowsOf(database: DatabaseSync, question: Question): Record<string, unknown>[] {
  const { table, columns, key, descending, conditions, after, limit } = question;
  const direction = descending ? 'DESC' : 'ASC';
  const cursor: Condition[] =
    after === undefined
      ? []
      : key === 'id'
        ? [[`id ${descending ? '<' : '>'} ?`, after]]
        : [[`(${key}, id) ${descending ? '<' : '>'} (SELECT ${key}, id FROM ${table} WHERE id = ?)`, after]];
  const all = [...conditions, ...cursor];
  const where = all.length === 0 ? '' : `WHERE ${all.map(([sql]) => sql).join(' AND ')}`;
  const order = key === 'id' ? `id ${direction}` : `${key} ${direction}, id ${direction}`;
  return database
    .prepare(`SELECT ${columns} FROM ${table} ${where} ORDER BY ${order} LIMIT ?`)
    .all(...all.flatMap(([, ...values]) => values), limit + 1);
}

function pageOf<T extends { readonly id: string }>(found: readonly T[], limit: number): Page<T> {
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}

const userKeys = { created_at: 'id', username: 'username', email: 'email' } as const;

export function listUsers(database: DatabaseSync, options: UserListOptions): Page<User> {
  const { role, search, sort = 'created_at', descending = false, after, limit } = options;
  const part = search?.toLowerCase();
  const rows = rowsOf(database, {
    table: 'users',
    columns: 'row',
    key: userKeys[sort],
    descending,
    conditions: [
      ...(options.living === true ? [living] : []),
      ...(options.enabled === undefined ? [] : [enabled(options.enabled)]),
      ...(role === undefined ? [] : [[`${has('role')} = ?`, role] as const]),
      ...(part === undefined ? [] : [['(instr(username, ?) > 0 OR instr(email, ?) > 0)', part, part] as const]),
    ],
    after,
    limit,
  });
  return pageOf(
    rows.map(({ row }) => JSON.parse(String(row)) as User),
    limit,
  );
}

const credentialKeys = {
  created_at: 'id',
  name: `lower(${has('name')})`,
  username: 'username',
  last_used_at: 'coalesce(last_used_at, 0)',
} as const;

export function listCredentials(database: DatabaseSync, options: CredentialListOptions): Page<SmtpCredential> {
  const { ownerId, search, unusedSince, sort = 'created_at', descending = false, after, limit } = options;
  const part = search?.toLowerCase();
  const named = `(instr(lower(${has('name')}), ?) > 0 OR instr(username, ?) > 0)`;
  const rows = rowsOf(database, {
    table: 'credentials',
    columns: 'row, last_used_at',
    key: credentialKeys[sort],
    descending,
    conditions: [
      ...(ownerId === undefined ? [] : [['owner_id = ?', ownerId] as const]),
      ...(options.living === true ? [living] : []),
      ...(options.enabled === undefined ? [] : [enabled(options.enabled)]),
      ...(part === undefined ? [] : [[named, part, part] as const]),
      ...(unusedSince === undefined ? [] : [['coalesce(last_used_at, 0) < ?', unusedSince] as const]),
    ],
    after,
    limit,
  });
  return pageOf(rows.map(credentialOf), limit);
}
