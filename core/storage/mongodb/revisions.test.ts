import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { type TestDatabase, testDatabase } from '../../../tests/support/mongodb-database.ts';
import { startMongodbProxy } from '../../../tests/support/mongodb-proxy.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { MemoryBlacklistIndex } from '../memory/blacklist-index.ts';
import { MemoryBus } from '../memory/bus.ts';
import { MemoryDirectory } from '../memory/directory.ts';
import type { SmtpCredential, User } from '../ports/accounts.ts';
import type { BlacklistEntry } from '../ports/blacklist.ts';
import { type MongodbStore, openMongodbStore } from './store.ts';

const common = { domains: [], enabled: true, createdAt: 1, updatedAt: 1, deletedAt: null, hourlyQuota: null };
const user = (): User => {
  const id = uuidv7();
  const names = { username: id, email: `${id}@example.com`, role: 'user' } as const;
  return { id, ...names, password: { kind: 'argon2id', phc: 'x' }, dailyQuota: null, ...common };
};
const credential = (): SmtpCredential => {
  const id = uuidv7();
  const names = { ownerId: 'owner', name: 'x', username: id, overLimit: 'defer', networks: [] } as const;
  const secret = { kind: 'hmac-sha256', salt: 's', hash: 'h' } as const;
  return { id, ...names, secret, dailyQuota: null, lastUsedAt: null, ...common };
};
const blocked = (network: string): BlacklistEntry => {
  return { id: uuidv7(), network, reason: 'x', source: 'manual', createdAt: 1, updatedAt: 1, expiresAt: null };
};

describeWith(['mongodb'], 'whether something may have changed on MongoDB', () => {
  let test: TestDatabase;
  let store: MongodbStore;
  const open = (uri: string) => openMongodbStore({ uri, log: pino({ level: 'silent' }), ambiguousDelay: 0 });
  beforeEach(async () => {
    test = await testDatabase();
    store = await open(test.uri);
  });
  afterEach(async () => {
    await store.close();
    await test.drop();
  });

  /** The revisions after each of these, the first before them all. */
  const revisionsOf = async (revision: (() => Promise<string>) | undefined, changes: readonly (() => unknown)[]) => {
    const found = [await revision?.()];
    for (const change of changes) {
      await change();
      found.push(await revision?.());
    }
    return found;
  };

  it('is told of every change of users and credentials, and of nothing else', async () => {
    const { accounts } = store;
    const [one, two, first] = [user(), user(), credential()];
    const found = await revisionsOf(accounts.revision, [
      () => accounts.insertUser(one),
      () => accounts.insertUser(two),
      () => accounts.updateUser(one.id, { enabled: false }),
      () => accounts.claimSetup(two.id, 5),
      () => accounts.insertCredential(first),
      () => accounts.updateCredential(first.id, { enabled: false }),
    ]);
    expect(new Set(found).size).toBe(7);
    const same = await revisionsOf(accounts.revision, [
      () => accounts.touchCredential(first.id, 9, '192.0.2.1'),
      () => accounts.user(one.id),
      () => store.blacklist.put(blocked('192.0.2.1/32')),
    ]);
    expect(new Set(same).size).toBe(1);
  });

  it('is told of every change of the blacklist', async () => {
    const { blacklist } = store;
    const [one, two] = [blocked('192.0.2.1/32'), blocked('192.0.2.2/32')];
    const found = await revisionsOf(blacklist.revision, [
      () => blacklist.insert(one),
      () => blacklist.put(two),
      () => blacklist.putAll([blocked('192.0.2.3/32')]),
      () => blacklist.update(one.id, { reason: 'y', updatedAt: 2 }),
      () => blacklist.remove(two.id),
    ]);
    expect(new Set(found).size).toBe(6);
  });

  it('brings what another process changed into memory, without a word on the bus', async () => {
    const log = pino({ level: 'silent' });
    const bus = new MemoryBus(log);
    const { accounts, blacklist } = store;
    const directory = await MemoryDirectory.start({ accounts, bus, log, pollMilliseconds: 20, shared: true });
    const clock = { now: Date.now };
    const index = await MemoryBlacklistIndex.start({ blacklist, bus, clock, log, pollMilliseconds: 20 });
    const other = await open(test.uri);
    const one = credential();
    await other.accounts.insertCredential(one);
    await other.blacklist.put(blocked('192.0.2.0/24'));
    await waitFor('both to be known', () => directory.credential(one.id) !== undefined && index.match('192.0.2.7'));
    await Promise.all([directory.close(), index.close(), other.close()]);
  });

  it('is told before the change is made', async () => {
    const address = new URL(test.uri);
    await using proxy = await startMongodbProxy({ host: address.hostname, port: Number(address.port) });
    address.port = String(proxy.port);
    const behind = await open(`${address}`);
    const seen: string[] = [];
    proxy.meddle(({ name, collection }) => {
      if (name === 'update' || name === 'insert') seen.push(`${name} ${collection}`);
      return undefined;
    });
    await behind.accounts.insertUser(user());
    await behind.blacklist.put(blocked('192.0.2.9/32'));
    expect(seen).toEqual(['update revisions', 'insert users', 'update revisions', 'update blacklist']);
    await behind.close();
  });
});
