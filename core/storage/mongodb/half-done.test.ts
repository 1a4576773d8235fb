import { join } from 'node:path';
import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cleanEnvironment, startChild } from '../../../tests/support/child.ts';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { type TestDatabase, testDatabase } from '../../../tests/support/mongodb-database.ts';
import { startMongodbProxy } from '../../../tests/support/mongodb-proxy.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import type { User } from '../ports/accounts.ts';
import type { AuditEntry } from '../ports/audit-log.ts';
import { auditDocument } from './audit-outbox.ts';
import { blacklistFields, placeOf } from './blacklist-documents.ts';
import { type MongodbStore, openMongodbStore } from './store.ts';

const user = (): User => ({
  id: uuidv7(),
  username: uuidv7(),
  email: `${uuidv7()}@example.com`,
  role: 'user',
  password: { kind: 'argon2id', phc: 'x' },
  dailyQuota: 0,
  hourlyQuota: null,
  domains: [],
  enabled: false,
  createdAt: 1,
  updatedAt: 1,
  deletedAt: null,
});

const auditEntry = (subjectId: string): AuditEntry => ({
  id: uuidv7(),
  at: Date.now(),
  actor: { kind: 'system' },
  address: null,
  requestId: null,
  action: 'contract',
  subject: { kind: 'contract', id: subjectId },
  before: null,
  after: null,
});

/** Each begins with what a process leaves behind that is killed between two writes (docs/decisions/0008). */
describeWith(['mongodb'], 'what a process on MongoDB left half done', () => {
  let test: TestDatabase;
  let store: MongodbStore;
  const open = () => openMongodbStore({ uri: test.uri, log: pino({ level: 'silent' }), ambiguousDelay: 0 });
  beforeEach(async () => {
    test = await testDatabase();
    store = await open();
  });
  afterEach(async () => {
    await store.close();
    await test.drop();
  });
  const told = async (subjectId: string) => (await store.auditLog.list({ subjectId }, { limit: 1_000 })).items;

  it('is told in the audit log, each change once, however often the process is killed', async () => {
    const one = user();
    await store.accounts.insertUser(one);
    let changed = 0;
    for (let round = 0; round < 5; round += 1) {
      await using child = startChild(
        process.execPath,
        [join(import.meta.dirname, 'testing/changing-process.ts'), test.uri, one.id],
        { env: cleanEnvironment() },
      );
      await waitFor('some changes', () => child.stdout().split('\n').length > 3 + round, {
        timeout: 20_000,
        detail: () => child.stderr(),
      });
      await child.kill();
      // The server may still carry out what was on its way to it.
      let before = -1;
      await waitFor('the last change', async () => {
        const now = (await store.accounts.user(one.id))?.dailyQuota ?? 0;
        const same = now === before;
        before = now;
        return same && now > changed;
      });
      changed = before;
    }
    await store.sweep();
    const quotas = (await told(one.id)).map(({ after }) => after?.daily_quota);
    expect(quotas.toReversed()).toEqual(Array.from({ length: changed }, (_, n) => n + 1));
    const carried = await store.database.collection('users').findOne({ _id: one.id });
    expect(carried?.outbox).toEqual([]);
  });

  it('is told later where the log cannot be written now, and counts as done', async () => {
    const address = new URL(test.uri);
    await using proxy = await startMongodbProxy({ host: address.hostname, port: Number(address.port) });
    address.port = String(proxy.port);
    const log = pino({ level: 'silent' });
    const behind = await openMongodbStore({ uri: `${address}`, log, ambiguousDelay: 0 });
    proxy.meddle(({ name, collection }) =>
      name === 'insert' && collection === 'audit_log' ? 'cut-before' : undefined,
    );
    const one = user();
    const [made, changed] = [auditEntry(one.id), auditEntry(one.id)];
    expect(await behind.accounts.insertUser(one, made)).toBeNull();
    expect(await behind.accounts.updateUser(one.id, { enabled: true }, { audit: changed })).toBe(true);
    expect(await told(one.id)).toEqual([]);
    await behind.close();
    await store.sweep();
    expect(await told(one.id)).toEqual([changed, made]);
    expect(await store.accounts.user(one.id)).toMatchObject({ enabled: true });
  });

  it('an entry that was brought into the log already stays there once', async () => {
    const one = user();
    await store.accounts.insertUser(one);
    const entry = auditEntry(one.id);
    await store.auditLog.append(entry);
    await store.database.collection('users').updateOne({ _id: one.id }, { $set: { outbox: [auditDocument(entry)] } });
    await store.sweep();
    expect(await told(one.id)).toEqual([entry]);
  });

  it('sessions that were to end are ended, and later ones are not', async () => {
    const userId = uuidv7();
    const at = Date.now();
    const expiresAt = at + 3_600_000;
    const begin = async (createdAt: number): Promise<string> => {
      const id = uuidv7();
      const facts = { lastUsedAt: createdAt, address: null, userAgent: null };
      const session = { id, userId, createdAt, expiresAt, revokedAt: null, ...facts };
      await store.apiAccess.startSession(session, { fingerprint: uuidv7(), expiresAt });
      return id;
    };
    const [old, except, later] = [await begin(at - 1), await begin(at - 1), await begin(at + 600_000)];
    const entry = auditEntry(userId);
    await store.database.collection('session_ends').insertOne({
      _id: entry.id,
      userId,
      at,
      except,
      done: false,
      outbox: [auditDocument(entry)],
    });
    await store.sweep();
    const ends = await Promise.all([old, except, later].map((id) => store.apiAccess.session(id)));
    expect(ends.map((one) => one?.revokedAt)).toEqual([at, null, null]);
    expect(await told(userId)).toEqual([entry]);
    await store.sweep();
    expect(await store.database.collection('session_ends').countDocuments()).toBe(0);
  });

  it('whom the set-up made administrator is one, as soon as anybody opens the database', async () => {
    const one = user();
    await store.accounts.insertUser(one);
    await store.database.collection('setup').insertOne({ _id: 'setup', administrator: one.id, at: 9, applied: false });
    await store.close();
    store = await open();
    expect(await store.accounts.user(one.id)).toEqual({ ...one, role: 'admin', enabled: true, updatedAt: 9 });
    expect(await store.accounts.claimSetup(one.id, 10)).toBe(false);
  });

  it('an entry of the blacklist that was on its way to another network is removed from both', async () => {
    const [id, network] = [uuidv7(), '192.0.2.0/24'];
    const entry = { id, network, reason: 'x', source: 'manual', createdAt: 1, updatedAt: 1, expiresAt: null } as const;
    const moved = { ...entry, network: '192.0.2.0/25', updatedAt: 2 };
    const stored = [entry, moved].map((one) => ({ _id: placeOf(one.network), ...blacklistFields(one) }));
    await store.database.collection('blacklist').insertMany(stored);
    expect(await store.blacklist.get(id)).toEqual(moved);
    expect(await store.blacklist.remove(id)).toBe(true);
    expect((await store.blacklist.list({}, { limit: 9 })).items).toEqual([]);
    await store.sweep();
    expect(await store.database.collection('blacklist').countDocuments()).toBe(0);
  });

  it('what is past its time is deleted, and nothing else', async () => {
    const { database } = store;
    const now = Date.now();
    await store.idempotency.begin('over', 'd', now - 10, now - 1);
    await store.idempotency.begin('good', 'd', now, now + 600_000);
    const values = store.keyValue('plugin');
    await values.set('over', 1, now - 1);
    await values.set('good', 1, now + 600_000);
    await values.set('for ever', 1);
    const facts = { roles: [], host: 'h', pid: 1, release: '1', startedAt: 1, hooks: [], upstreams: [] };
    const state = { ...facts, settings: 0, built: null, unfit: null };
    await store.processes.beat({ id: 'dead', ...state }, now - 3_600_001);
    await store.processes.beat({ id: 'alive', ...state }, now);
    await store.auditLog.append({ ...auditEntry('old'), at: now - 367 * 86_400_000 });
    await store.auditLog.append(auditEntry('new'));
    await store.sweep();
    const ids = async (name: 'idempotency_keys' | 'key_values' | 'processes' | 'audit_log') =>
      (
        await database
          .collection(name)
          .find({}, { projection: { _id: 1 } })
          .toArray()
      ).length;
    expect(await Promise.all([ids('idempotency_keys'), ids('key_values')])).toEqual([1, 2]);
    expect((await store.processes.list()).map(({ id }) => id)).toEqual(['alive']);
    expect([await told('old'), (await told('new')).length]).toEqual([[], 1]);
  });
});
