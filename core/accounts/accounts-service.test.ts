import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type SingleProcess, startSingleProcess } from '../../tests/support/single-process.ts';
import type { BusEvent } from '../storage/ports/bus.ts';
import { newCredentialSchema, newUserSchema, userChangeSchema } from './account-schemas.ts';
import { AccountsService } from './accounts-service.ts';

let relay: SingleProcess;
beforeAll(async () => {
  relay = await startSingleProcess();
});
afterAll(() => relay.close());

const person = (name: string) => ({ username: name, email: `${name}@example.com`, password: 'password123' });

/** What was told on the bus while `work` ran. */
const told = async (work: () => Promise<unknown>): Promise<BusEvent[]> => {
  const events: BusEvent[] = [];
  const end = relay.bus.subscribe((event) => events.push(event));
  await work();
  end();
  return events;
};

describe('the first administrator', () => {
  it('is made once, of several at the same moment exactly one', async () => {
    await using fresh = await startSingleProcess();
    const attempts = await Promise.allSettled(
      ['ann', 'bob', 'cid', 'dan'].map((name) => fresh.service.createFirstAdministrator(person(name))),
    );
    const made = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    expect(made).toMatchObject([{ role: 'admin', enabled: true }]);
    for (const attempt of attempts) {
      if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'REGISTRATION_CLOSED' });
    }
    const { items } = await fresh.accounts.listUsers({ limit: 100 });
    expect(items.filter(({ deletedAt }) => deletedAt === null)).toHaveLength(1);
    await expect(fresh.service.createFirstAdministrator(person('eve'))).rejects.toMatchObject({
      code: 'REGISTRATION_CLOSED',
    });
    // Who came too late may have the name later, as an ordinary user.
    const loser = ['ann', 'bob', 'cid', 'dan'].find((name) => name !== made[0]?.username) ?? '';
    expect(await fresh.service.createUser(person(loser))).toMatchObject({ role: 'user' });
  });

  it('takes the place of one whose set-up was cut off, but not of one that is under way', async () => {
    await using fresh = await startSingleProcess();
    const left = await fresh.service.createUser(person('ann'));
    await fresh.accounts.updateUser(left.id, { enabled: false });
    await expect(fresh.service.createFirstAdministrator(person('ann'))).rejects.toMatchObject({ code: 'CONFLICT' });
    fresh.clock.advance(60_000);
    const administrator = await fresh.service.createFirstAdministrator(person('ann'));
    expect(administrator).toMatchObject({ username: 'ann', role: 'admin', enabled: true });
    expect(administrator.id).not.toBe(left.id);
    expect(await fresh.accounts.user(left.id)).toMatchObject({ role: 'user', enabled: false });
  });

  it('does not take the place of a user that somebody made', async () => {
    await using fresh = await startSingleProcess();
    await fresh.service.createUser(person('ann'));
    fresh.clock.advance(3_600_000);
    await expect(fresh.service.createFirstAdministrator(person('ann'))).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('a user', () => {
  it('is stored in canonical form and told on the bus', async () => {
    const events = await told(async () => {
      const user = await relay.service.createUser({
        username: 'Mixed.Case',
        email: 'Someone@BÜCHER.example',
        password: 'password123',
        domains: ['Bücher.Example.', 'example.com', 'EXAMPLE.com'],
      });
      expect(user).toMatchObject({
        username: 'mixed.case',
        email: 'someone@xn--bcher-kva.example',
        role: 'user',
        domains: ['xn--bcher-kva.example', 'example.com'],
        dailyQuota: null,
        hourlyQuota: null,
      });
      expect(user.password).toMatchObject({ kind: 'argon2id' });
      expect(relay.directory.user(user.id)).toEqual(user);
    });
    expect(events).toEqual([{ kind: 'user', id: expect.any(String) }]);
  });

  it('logs in with email and password while enabled, and with nothing else', async () => {
    const user = await relay.service.createUser({ ...person('login'), email: 'login@bücher.example' });
    const login = (email: string, password: string) => relay.service.authenticateUser(email, password);
    expect(await login(' LOGIN@bücher.example ', 'password123')).toMatchObject({ id: user.id });
    expect(await login('login@xn--bcher-kva.example', 'password123')).toMatchObject({ id: user.id });
    expect(await login('login@bücher.example', 'password124')).toBeNull();
    expect(await login('nobody@example.com', 'password123')).toBeNull();
    expect(await login('no address', 'password123')).toBeNull();
    await relay.service.changeUser(user.id, { enabled: false });
    expect(await login('login@bücher.example', 'password123')).toBeNull();
  });

  it('changes only in what is named', async () => {
    const user = await relay.service.createUser({ ...person('change'), hourly_quota: 5 });
    const changed = await relay.service.changeUser(user.id, { daily_quota: 7, password: 'password456' });
    expect(changed).toMatchObject({ username: 'change', hourlyQuota: 5, dailyQuota: 7 });
    expect(await relay.service.authenticateUser('change@example.com', 'password456')).not.toBeNull();
    expect(await relay.service.changeUser(user.id, { hourly_quota: null })).toMatchObject({ hourlyQuota: null });
  });

  it('keeps name and email to itself, also when deleted', async () => {
    const user = await relay.service.createUser(person('unique'));
    const other = await relay.service.createUser(person('other'));
    await expect(relay.service.createUser({ ...person('UNIQUE'), email: 'x@example.com' })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await expect(relay.service.changeUser(other.id, { email: 'Unique@example.com' })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await relay.service.deleteUser(user.id);
    await expect(relay.service.createUser(person('unique'))).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(relay.service.changeUser(user.id, { enabled: true })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('takes the credentials along when deleted', async () => {
    const { credential } = await relay.issue();
    const second = await relay.service.createCredential(credential.ownerId, { name: 'second' });
    await relay.service.deleteUser(credential.ownerId);
    for (const { id } of [credential, second.credential]) {
      expect(relay.directory.usable(id)).toBe(false);
      expect(await relay.accounts.credential(id)).toMatchObject({ enabled: false });
    }
    await expect(relay.service.createCredential(credential.ownerId, { name: 'third' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('a credential', () => {
  it('gets username, password and the default quotas, and works at once', async () => {
    const { credential, password } = await relay.issue({ networks: ['192.0.2.77/24', '::ffff:198.51.100.1'] });
    expect(credential.username).toMatch(/^relay_\d{8}_[a-z]{4}$/);
    expect(credential).toMatchObject({
      overLimit: 'defer',
      enabled: true,
      networks: ['192.0.2.0/24', '198.51.100.1/32'],
      lastUsedAt: null,
    });
    expect(JSON.stringify(await relay.accounts.credential(credential.id))).not.toContain(password);
    expect(relay.directory.credentialByUsername(credential.username)).toEqual(credential);
    expect(relay.secrets.verify(credential.secret, password)).toBe(true);
  });

  it('gets the configured default quotas unless it names its own, null included', async () => {
    const { accounts, apiAccess, secrets, bus, clock } = relay;
    const quotas = { daily_default: 1_000, hourly_default: 100 };
    const service = new AccountsService({ accounts, apiAccess, secrets, bus, clock, quotas });
    const { id } = await service.createUser(person('quotas'));
    const quotasOf = async (input: object) => {
      const { credential } = await service.createCredential(id, { name: 'x', ...input });
      return [credential.dailyQuota, credential.hourlyQuota];
    };
    expect(await quotasOf({})).toEqual([1_000, 100]);
    expect(await quotasOf({ daily_quota: null, hourly_quota: 0 })).toEqual([null, 0]);
  });

  it('has another password after a reset, and the old one is worth nothing', async () => {
    const { credential, password } = await relay.issue();
    const events = await told(async () => {
      const reset = await relay.service.resetPassword(credential.id);
      expect(reset.credential.username).toBe(credential.username);
      const stored = relay.directory.credential(credential.id)?.secret ?? null;
      expect(relay.secrets.verify(stored, password)).toBe(false);
      expect(relay.secrets.verify(stored, reset.password)).toBe(true);
    });
    expect(events).toEqual([{ kind: 'credential', id: credential.id }]);
  });

  it('is gone for good when deleted, and its row stays', async () => {
    const { credential } = await relay.issue();
    await relay.service.deleteCredential(credential.id);
    expect(relay.directory.usable(credential.id)).toBe(false);
    expect(await relay.accounts.credential(credential.id)).toMatchObject({ deletedAt: relay.clock.now() });
    for (const act of ['deleteCredential', 'resetPassword'] as const) {
      await expect(relay.service[act](credential.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('changes only in what is named', async () => {
    const { credential } = await relay.issue({ hourly_quota: 5, domains: ['example.com'] });
    const changed = await relay.service.changeCredential(credential.id, { over_limit: 'reject', enabled: false });
    expect(changed).toEqual({ ...credential, overLimit: 'reject', enabled: false, updatedAt: changed.updatedAt });
  });
});

describe('what comes from outside', () => {
  it.each([
    ['username', { username: 'a' }],
    ['username', { username: 'two words' }],
    ['username', { username: '../etc' }],
    ['email', { email: 'nobody' }],
    ['email', { email: 'a@b@example.com' }],
    ['email', { email: 'a@exam_ple' }],
    ['email', { email: 'a\r\nBcc: x@example.com' }],
    ['password', { password: 'short' }],
    ['password', { password: 'x'.repeat(1_025) }],
    ['daily_quota', { daily_quota: -1 }],
    ['hourly_quota', { hourly_quota: 1.5 }],
    ['domains.0', { domains: ['no domain'] }],
    ['domains.1', { domains: ['example.com', '*.example.com'] }],
    ['', { id: 'chosen' }],
  ])('is refused at %s: %o', async (path, fields) => {
    const made = relay.service.createUser({ ...person('valid'), ...fields });
    await expect(made).rejects.toMatchObject({ code: 'REQUEST_INVALID', problems: [{ path }] });
  });

  it.each([['192.0.2.0/33'], ['192.0.2.01'], ['example.com'], ['::1/129'], [''], ['10.0.0.0/8 ; drop']])(
    'is refused where %o is to be a network',
    async (network) => {
      await expect(relay.issue({ networks: [network] })).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
        problems: [{ path: 'networks.0' }],
      });
    },
  );

  it('has every problem reported at once', async () => {
    const made = relay.service.createUser({ username: '', email: '', password: '' });
    await expect(made).rejects.toMatchObject({ problems: [{}, {}, {}] });
  });

  it('is described as JSON schema for the API', () => {
    for (const schema of [newUserSchema, userChangeSchema, newCredentialSchema]) {
      expect(z.toJSONSchema(schema, { io: 'input' })).toMatchObject({ type: 'object', additionalProperties: false });
    }
  });
});
