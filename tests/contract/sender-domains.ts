import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Accounts, SmtpCredential, User } from '../../core/storage/ports/accounts.ts';
import type { SenderDomainListOptions, SenderDomains } from '../../core/storage/ports/sender-domains.ts';

export interface SenderDomainsUnderTest {
  readonly accounts: Accounts;
  readonly senderDomains: SenderDomains;
  close(): Promise<void>;
}

/** What every adapter of `SenderDomains` has to do, on an empty database. */
export function describeSenderDomains(name: string, open: () => Promise<SenderDomainsUnderTest>): void {
  describe(`${name} as the list of sender domains`, () => {
    let storage: SenderDomainsUnderTest;
    const [anna, bert] = [uuidv7(), uuidv7()].toSorted();
    const [shop, news, gone] = [uuidv7(), uuidv7(), uuidv7()].toSorted();

    const user = (id = '', domains: readonly string[] = []): User => ({
      id,
      username: `user-${id}`,
      email: `${id}@example.com`,
      role: 'user',
      password: { kind: 'argon2id', phc: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA' },
      dailyQuota: null,
      hourlyQuota: null,
      domains,
      enabled: true,
      createdAt: 1,
      updatedAt: 1,
      deletedAt: null,
    });
    const credential = (id = '', ownerId = '', domains: readonly string[] = []): SmtpCredential => ({
      id,
      ownerId,
      name: 'one',
      username: `relay_${id}`,
      secret: { kind: 'hmac-sha256', salt: 'c2FsdA', hash: 'aGFzaA' },
      dailyQuota: null,
      hourlyQuota: null,
      overLimit: 'defer',
      domains,
      networks: [],
      enabled: true,
      createdAt: 1,
      updatedAt: 1,
      deletedAt: null,
      lastUsedAt: null,
    });
    const texts = async (options: Partial<SenderDomainListOptions> = {}) => {
      const { items } = await storage.senderDomains.list({ limit: 100, ...options });
      const who = (one: { ownerId: string; credentialId: string | null }) =>
        one.credentialId === null
          ? one.ownerId === anna
            ? 'anna'
            : 'bert'
          : one.credentialId === shop
            ? 'shop'
            : 'news';
      return items.map((one) => `${one.domain} ${who(one)}`);
    };

    beforeAll(async () => {
      storage = await open();
      await storage.accounts.insertUser(user(anna, ['b.example', 'a.example']));
      await storage.accounts.insertUser(user(bert));
      await storage.accounts.insertCredential(credential(shop, anna, ['a.example']));
      await storage.accounts.insertCredential(credential(news, bert, ['news.test', 'a.example']));
      await storage.accounts.insertCredential(credential(gone, bert, ['gone.test']));
      await storage.accounts.updateCredential(gone ?? '', { deletedAt: 5, updatedAt: 5 });
    });
    afterAll(() => storage.close());

    it('lists those of users and credentials that are there, by domain', async () => {
      expect(await texts()).toEqual([
        'a.example anna',
        'a.example shop',
        'a.example news',
        'b.example anna',
        'news.test news',
      ]);
    });

    it('tells whose they are', async () => {
      const { items } = await storage.senderDomains.list({ limit: 2 });
      expect(items).toEqual([
        { domain: 'a.example', ownerId: anna, credentialId: null },
        { domain: 'a.example', ownerId: anna, credentialId: shop },
      ]);
    });

    it('filters', async () => {
      expect(await texts({ ownerId: bert ?? '' })).toEqual(['a.example news', 'news.test news']);
      expect(await texts({ credentialId: shop ?? '' })).toEqual(['a.example shop']);
      expect(await texts({ of: 'user' })).toEqual(['a.example anna', 'b.example anna']);
      expect(await texts({ of: 'credential', search: 'EXAMPLE' })).toEqual(['a.example shop', 'a.example news']);
      expect(await texts({ ownerId: anna ?? '', of: 'credential' })).toEqual(['a.example shop']);
      expect(await texts({ search: '%' })).toEqual([]);
    });

    it('sorts, and goes on where the page before ended', async () => {
      const all = await texts({ sort: 'owner_id', descending: true });
      expect(all).toEqual(['news.test news', 'a.example news', 'b.example anna', 'a.example shop', 'a.example anna']);
      for (const sort of ['domain', 'owner_id'] as const) {
        for (const descending of [false, true]) {
          const seen: unknown[] = [];
          let after: string | null = null;
          do {
            const options: SenderDomainListOptions = {
              sort,
              descending,
              limit: 2,
              ...(after === null ? {} : { after }),
            };
            const page = await storage.senderDomains.list(options);
            seen.push(...page.items);
            after = page.next;
          } while (after !== null);
          expect(seen).toEqual((await storage.senderDomains.list({ sort, descending, limit: 100 })).items);
        }
      }
    });

    it('answers an empty page for a cursor it never gave', async () => {
      expect((await storage.senderDomains.list({ limit: 5, after: '~:~:~', sort: 'owner_id' })).items).toEqual([]);
    });
  });
}
