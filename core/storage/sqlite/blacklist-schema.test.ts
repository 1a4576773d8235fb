import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { blacklistReader } from './blacklist-reader.ts';
import { orderBlacklist } from './blacklist-schema.ts';
import { createSchema } from './schema.ts';

it('keeps what was on the blacklist before, in the order of addresses', () => {
  const database = new DatabaseSync(':memory:');
  createSchema(database);
  const insert = database.prepare(
    'INSERT INTO blacklist (id, network, reason, source, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  insert.run('a', '2001:db8::/32', 'spam', 'manual', 1, null);
  insert.run('b', '192.0.2.1/32', '100 refused transactions', 'auto', 2, 3);
  insert.run('c', 'nonsense', 'refuses nobody', 'manual', 4, null);
  orderBlacklist(database);
  expect(blacklistReader(database).listBlacklist({}, { limit: 10 }).items).toEqual([
    {
      id: 'b',
      network: '192.0.2.1/32',
      reason: '100 refused transactions',
      source: 'auto-ban',
      createdAt: 2,
      updatedAt: 2,
      expiresAt: 3,
    },
    {
      id: 'a',
      network: '2001:db8::/32',
      reason: 'spam',
      source: 'manual',
      createdAt: 1,
      updatedAt: 1,
      expiresAt: null,
    },
  ]);
  database.close();
});
