import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { mail } from '../../../tests/contract/mail.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { applicationId, openForReading, openForWriting } from './database.ts';
import { migrate, migrations } from './migrations.ts';
import { openTestStore } from './testing/test-store.ts';

const pragma = (database: DatabaseSync, name: string): unknown => database.prepare(`PRAGMA ${name}`).get()?.[name];

it('creates a database that says what it is and can give room back', async () => {
  await using folder = await temporaryFolder('migrations');
  const file = join(folder.path, 'sluice.db');
  const database = await openForWriting(file);
  expect(pragma(database, 'application_id')).toBe(applicationId);
  expect(pragma(database, 'auto_vacuum')).toBe(2);
  expect(pragma(database, 'journal_mode')).toBe('wal');
  expect(pragma(database, 'synchronous')).toBe(2);
  expect(pragma(database, 'wal_autocheckpoint')).toBe(20_000);
  expect(pragma(database, 'user_version')).toBe(migrations.length);
  database.close();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  // Nothing worth a copy was there before.
  expect(readdirSync(folder.path).filter((name) => name.startsWith('sluice.db.v'))).toEqual([]);
});

it('copies the database before each step, and goes through all of them', async () => {
  await using folder = await temporaryFolder('migrations');
  const store = await openTestStore(folder.path);
  const message = mail();
  await store.messages.commit(message);
  await store.close();

  const file = join(folder.path, 'sluice.db');
  const database = await openForWriting(file);
  const steps = [
    ...migrations,
    (one: DatabaseSync) => one.exec('CREATE TABLE extra (a INTEGER)'),
    (one: DatabaseSync) => one.exec('DROP TABLE queue'),
  ];
  await migrate(database, file, steps);
  expect(pragma(database, 'user_version')).toBe(migrations.length + 2);
  expect(database.prepare('SELECT count(*) AS n FROM extra').get()?.n).toBe(0);
  database.close();

  const copy = openForReading(`${file}.v${migrations.length + 1}`);
  expect(pragma(copy, 'user_version')).toBe(migrations.length + 1);
  expect(copy.prepare('SELECT count(*) AS n FROM queue').get()?.n).toBe(1);
  copy.close();
  await expect(openTestStore(folder.path)).rejects.toMatchObject({ code: 'STORE_NEWER' });
});

it('leaves the database as it was when a step fails', async () => {
  await using folder = await temporaryFolder('migrations');
  const file = join(folder.path, 'sluice.db');
  const database = await openForWriting(file);
  const broken = (one: DatabaseSync): void => one.exec('CREATE TABLE half (a INTEGER); SELECT nonsense');
  await expect(migrate(database, file, [...migrations, broken])).rejects.toThrow('nonsense');
  expect(pragma(database, 'user_version')).toBe(migrations.length);
  expect(database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'half'").get()?.n).toBe(0);
  database.close();
});

it('takes no database that another program made', async () => {
  await using folder = await temporaryFolder('migrations');
  const file = join(folder.path, 'sluice.db');
  const other = new DatabaseSync(file);
  other.exec('CREATE TABLE theirs (a INTEGER)');
  other.close();
  await expect(openTestStore(folder.path)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
});
