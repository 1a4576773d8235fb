import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  CredentialListOptions,
  SmtpCredential,
  User,
  UserListOptions,
} from '../../core/storage/ports/accounts.ts';
import { auditEntry } from './audit-log.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** What every adapter of `Accounts` has to do. */
export function describeAccounts(name: string, open: OpenStorage): void {
  describe(`${name} as the store of accounts`, () => {
    let storage: Storage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    const user = (change: Partial<User> = {}): User => {
      const id = uuidv7();
      return {
        id,
        username: `user-${id}`,
        email: `${id}@example.com`,
        role: 'user',
        password: { kind: 'argon2id', phc: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA' },
        dailyQuota: null,
        hourlyQuota: 0,
        domains: ['example.com'],
        enabled: true,
        createdAt: 1,
        updatedAt: 1,
        deletedAt: null,
        ...change,
      };
    };
    const credential = (change: Partial<SmtpCredential> = {}): SmtpCredential => {
      const id = uuidv7();
      return {
        id,
        ownerId: 'owner',
        name: 'My first credential',
        username: `relay_${id}`,
        secret: { kind: 'hmac-sha256', salt: 'c2FsdA', hash: 'aGFzaA' },
        dailyQuota: 1_000,
        hourlyQuota: 100,
        overLimit: 'defer',
        domains: [],
        networks: ['192.0.2.0/24'],
        enabled: true,
        createdAt: 1,
        updatedAt: 1,
        deletedAt: null,
        lastUsedAt: null,
        ...change,
      };
    };

    it('keeps users and finds them by id, email and name, without regard to case', async () => {
      const one = user({ username: `Üser-${uuidv7()}`, email: `Mixed.${uuidv7()}@Example.com` });
      expect(await storage.accounts.insertUser(one)).toBeNull();
      expect(await storage.accounts.user(one.id)).toEqual(one);
      expect(await storage.accounts.userByEmail(one.email.toUpperCase())).toEqual(one);
      expect(await storage.accounts.userByUsername(one.username.toLowerCase())).toEqual(one);
      expect(await storage.accounts.user(uuidv7())).toBeNull();
      expect(await storage.accounts.userByEmail('nobody@example.com')).toBeNull();
    });

    it('gives no name twice, not even that of a deleted user', async () => {
      const one = user({ deletedAt: 2 });
      await storage.accounts.insertUser(one);
      const { username, email } = one;
      expect(await storage.accounts.insertUser(user({ username: username.toUpperCase() }))).toEqual({
        conflict: 'username',
      });
      expect(await storage.accounts.insertUser(user({ email }))).toEqual({ conflict: 'email' });
      const other = user();
      await storage.accounts.insertUser(other);
      await expect(storage.accounts.updateUser(other.id, { email })).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await storage.accounts.user(other.id)).toEqual(other);
    });

    it('lets one of many simultaneous registrations have a name', async () => {
      const email = `${uuidv7()}@example.com`;
      const answers = await Promise.all(Array.from({ length: 20 }, () => storage.accounts.insertUser(user({ email }))));
      expect(answers.filter((answer) => answer === null)).toHaveLength(1);
    });

    it('changes what it is told to, and nothing else', async () => {
      const one = user();
      await storage.accounts.insertUser(one);
      expect(await storage.accounts.updateUser(one.id, { enabled: false, dailyQuota: 5, updatedAt: 9 })).toBe(true);
      expect(await storage.accounts.user(one.id)).toEqual({ ...one, enabled: false, dailyQuota: 5, updatedAt: 9 });
      expect(await storage.accounts.updateUser(uuidv7(), { enabled: false })).toBe(false);
    });

    it('lists users page by page', async () => {
      const own = await open();
      const users = Array.from({ length: 5 }, () => user());
      for (const one of users) await own.accounts.insertUser(one);
      const first = await own.accounts.listUsers({ limit: 3 });
      const rest = await own.accounts.listUsers({ limit: 3, after: first.next ?? '' });
      expect([...first.items, ...rest.items]).toEqual(users);
      expect(rest.next).toBeNull();
      await own.close();
    });

    it('changes only the version that was meant, and every change makes a later one', async () => {
      const [one, other] = [user({ updatedAt: 5 }), credential({ updatedAt: 5 })];
      await storage.accounts.insertUser(one);
      await storage.accounts.insertCredential(other);
      const { accounts } = storage;
      for (const change of [
        (ifUpdatedAt: number) => accounts.updateUser(one.id, { hourlyQuota: 7, updatedAt: 3 }, { ifUpdatedAt }),
        (ifUpdatedAt: number) => accounts.updateCredential(other.id, { name: 'x', updatedAt: 3 }, { ifUpdatedAt }),
      ]) {
        await expect(change(4)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
        const answers = await Promise.allSettled([change(5), change(5)]);
        expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
        expect(await change(6)).toBe(true);
      }
      expect(await accounts.user(one.id)).toEqual({ ...one, hourlyQuota: 7, updatedAt: 7 });
      expect(await accounts.credential(other.id)).toEqual({ ...other, name: 'x', updatedAt: 7 });
    });

    it('writes the audit entry with the change, and none where nothing was changed', async () => {
      const subject = { kind: 'contract', id: uuidv7() };
      const entry = (action: string) => auditEntry({ subject, action });
      const { accounts } = storage;
      const [one, other] = [user(), credential()];
      await accounts.insertUser(one, entry('made'));
      await accounts.insertUser(user({ email: one.email }), entry('taken'));
      await accounts.updateUser(one.id, { enabled: false }, { audit: entry('changed') });
      await accounts.updateUser(uuidv7(), { enabled: false }, { audit: entry('gone') });
      const stale = accounts.updateUser(one.id, { enabled: true }, { ifUpdatedAt: 99, audit: entry('stale') });
      await expect(stale).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
      await accounts.insertCredential(other, entry('credential made'));
      await accounts.updateCredential(other.id, { name: 'x' }, { audit: entry('credential changed') });
      const found = await storage.auditLog.list({ subjectId: subject.id }, { limit: 20 });
      const told = found.items.map(({ action }) => action).toReversed();
      expect(told).toEqual(['made', 'changed', 'credential made', 'credential changed']);
    });

    it('lists users by role, state and part of a name, in the order asked for', async () => {
      const own = await open();
      const names = ['dora', 'anna', 'cleo', 'bert'];
      const users = names.map((username, n) =>
        user({
          username,
          email: `${n}@${username}.example`,
          role: n === 0 ? 'admin' : 'user',
          enabled: n !== 1,
          deletedAt: n === 2 ? 9 : null,
        }),
      );
      for (const one of users) await own.accounts.insertUser(one);
      const list = async (options: Omit<UserListOptions, 'limit'>) => {
        const found: string[] = [];
        let after: string | undefined;
        do {
          const page = await own.accounts.listUsers({
            ...options,
            limit: 2,
            ...(after === undefined ? {} : { after }),
          });
          found.push(...page.items.map(({ username }) => username));
          after = page.next ?? undefined;
        } while (after !== undefined);
        return found;
      };
      expect(await list({ sort: 'username' })).toEqual(['anna', 'bert', 'cleo', 'dora']);
      expect(await list({ sort: 'username', descending: true })).toEqual(['dora', 'cleo', 'bert', 'anna']);
      expect(await list({ sort: 'email', descending: true })).toEqual(['bert', 'cleo', 'anna', 'dora']);
      expect(await list({ descending: true })).toEqual(names.toReversed());
      expect(await list({ living: true })).toEqual(['dora', 'anna', 'bert']);
      expect(await list({ role: 'user', enabled: true, living: true })).toEqual(['bert']);
      expect(await list({ enabled: false })).toEqual(['anna']);
      expect(await list({ search: 'ER' })).toEqual(['bert']);
      expect(await list({ search: '2@CLEO' })).toEqual(['cleo']);
      expect(await list({ search: '%' })).toEqual([]);
      await own.close();
    });

    it('lists credentials by owner, state, use and part of a name, in the order asked for', async () => {
      const own = await open();
      const ownerId = uuidv7();
      const made = [
        credential({ ownerId, name: 'Shop', lastUsedAt: 50 }),
        credential({ ownerId, name: 'backup', enabled: false }),
        credential({ ownerId, name: 'printer', lastUsedAt: 10, deletedAt: 3 }),
        credential({ name: 'Shop of another', lastUsedAt: 20 }),
      ];
      for (const one of made) await own.accounts.insertCredential(one);
      const list = async (options: Omit<CredentialListOptions, 'limit'>) => {
        const first = await own.accounts.listCredentials({ ...options, limit: 1 });
        if (first.next === null) return first.items.map(({ name }) => name);
        const rest = await own.accounts.listCredentials({ ...options, limit: 9, after: first.next });
        return [...first.items, ...rest.items].map(({ name }) => name);
      };
      expect(await list({ sort: 'name' })).toEqual(['backup', 'printer', 'Shop', 'Shop of another']);
      expect(await list({ sort: 'last_used_at' })).toEqual(['backup', 'printer', 'Shop of another', 'Shop']);
      expect(await list({ sort: 'last_used_at', descending: true, ownerId })).toEqual(['Shop', 'printer', 'backup']);
      expect(await list({ ownerId, living: true })).toEqual(['Shop', 'backup']);
      expect(await list({ search: 'sHoP' })).toEqual(['Shop', 'Shop of another']);
      expect(await list({ search: made[1]?.username.toUpperCase() ?? '' })).toEqual(['backup']);
      expect(await list({ unusedSince: 20 })).toEqual(['backup', 'printer']);
      expect(await list({ enabled: false })).toEqual(['backup']);
      await own.close();
    });

    it('makes exactly one administrator in the set-up', async () => {
      const own = await open();
      const users = Array.from({ length: 5 }, () => user({ enabled: false }));
      for (const one of users) await own.accounts.insertUser(one);
      expect(await own.accounts.setupDone()).toBe(false);
      expect(await own.accounts.claimSetup(uuidv7(), 5)).toBe(false);
      const claims = await Promise.all(users.map(({ id }) => own.accounts.claimSetup(id, 7)));
      expect(claims.filter(Boolean)).toHaveLength(1);
      expect(await own.accounts.setupDone()).toBe(true);
      const winner = users[claims.indexOf(true)];
      expect(await own.accounts.user(winner?.id ?? '')).toEqual({
        ...winner,
        role: 'admin',
        enabled: true,
        updatedAt: 7,
      });
      expect((await own.accounts.listUsers({ limit: 9 })).items.filter(({ role }) => role === 'admin')).toHaveLength(1);
      await own.close();
    });

    it('keeps credentials and finds them', async () => {
      const one = credential();
      expect(await storage.accounts.insertCredential(one)).toBeNull();
      expect(await storage.accounts.credential(one.id)).toEqual(one);
      expect(await storage.accounts.credentialByUsername(one.username)).toEqual(one);
      const same = credential({ username: one.username });
      expect(await storage.accounts.insertCredential(same)).toEqual({ conflict: 'username' });
      expect(await storage.accounts.updateCredential(one.id, { networks: [], deletedAt: 3 })).toBe(true);
      expect(await storage.accounts.credential(one.id)).toEqual({ ...one, networks: [], deletedAt: 3 });
      expect(await storage.accounts.updateCredential(uuidv7(), { enabled: false })).toBe(false);
      expect(await storage.accounts.credential(uuidv7())).toBeNull();
    });

    it('lists credentials of all or of one owner, page by page', async () => {
      const ownerId = uuidv7();
      const own = Array.from({ length: 4 }, () => credential({ ownerId }));
      for (const one of own) await storage.accounts.insertCredential(one);
      const first = await storage.accounts.listCredentials({ ownerId, limit: 3 });
      const rest = await storage.accounts.listCredentials({ ownerId, limit: 3, after: first.next ?? '' });
      expect([...first.items, ...rest.items]).toEqual(own);
      expect(rest.next).toBeNull();
      expect((await storage.accounts.listCredentials({ limit: 500 })).items).toEqual(expect.arrayContaining(own));
    });

    it('remembers when and from where a credential was used, also across a restart', async () => {
      const own = await open();
      const one = credential();
      await own.accounts.insertCredential(one);
      own.accounts.touchCredential(one.id, 5_000, '192.0.2.1');
      own.accounts.touchCredential(one.id, 6_000, '192.0.2.2');
      own.accounts.touchCredential(one.id, 7_000, '192.0.2.1');
      const again = await own.reopen();
      expect(await again.accounts.credential(one.id)).toEqual({ ...one, lastUsedAt: 7_000 });
      expect(await again.accounts.knownAddress(one.id, '192.0.2.1', 7_000)).toBe(true);
      expect(await again.accounts.knownAddress(one.id, '192.0.2.2', 6_001)).toBe(false);
      expect(await again.accounts.knownAddress(one.id, '192.0.2.3', 0)).toBe(false);
      await again.accounts.updateCredential(one.id, { name: 'renamed' });
      expect(await again.accounts.credential(one.id)).toEqual({ ...one, name: 'renamed', lastUsedAt: 7_000 });
      await again.close();
    });
  });
}
