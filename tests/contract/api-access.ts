import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiKey, ApiSession } from '../../core/storage/ports/api-access.ts';
import { auditEntry } from './audit-log.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** What every adapter of `ApiAccess` has to do. */
export function describeApiAccess(name: string, open: OpenStorage): void {
  describe(`${name} as the store of API sessions and API keys`, () => {
    let storage: Storage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    const session = (change: Partial<ApiSession> = {}): ApiSession => ({
      id: uuidv7(),
      userId: uuidv7(),
      createdAt: 1,
      expiresAt: 100,
      revokedAt: null,
      lastUsedAt: 1,
      address: '192.0.2.1',
      userAgent: 'curl/8.5.0',
      ...change,
    });
    const apiKey = (change: Partial<ApiKey> = {}): ApiKey => ({
      id: uuidv7(),
      ownerId: uuidv7(),
      name: 'backup script',
      fingerprint: uuidv7(),
      hint: 'sluice_abc',
      scopes: ['mail:read'],
      createdAt: 1,
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
      ...change,
    });
    const token = (expiresAt = 100) => ({ fingerprint: uuidv7(), expiresAt });

    it('keeps sessions until revoked, and writes down a login and its end once', async () => {
      const one = session({ address: null, userAgent: null });
      const [login, logout] = [auditEntry(), auditEntry()];
      await storage.apiAccess.startSession(one, token(), login);
      expect(await storage.apiAccess.session(one.id)).toEqual(one);
      expect(await storage.apiAccess.revokeSession(one.id, 5, logout)).toBe(true);
      expect(await storage.apiAccess.revokeSession(one.id, 9, { ...logout, id: uuidv7() })).toBe(false);
      expect(await storage.apiAccess.session(one.id)).toEqual({ ...one, revokedAt: 5 });
      expect(await storage.apiAccess.session(uuidv7())).toBeNull();
      expect(await storage.apiAccess.revokeSession(uuidv7(), 5)).toBe(false);
      for (const entry of [login, logout]) {
        expect((await storage.auditLog.list({ subjectId: entry.subject.id }, { limit: 2 })).items).toEqual([entry]);
      }
    });

    it('lists the living sessions of a user, newest first, page by page', async () => {
      const userId = uuidv7();
      const living = Array.from({ length: 3 }, () => session({ userId }));
      const [revoked, expired, others] = [session({ userId }), session({ userId, expiresAt: 50 }), session()];
      for (const one of [...living, revoked, expired, others]) await storage.apiAccess.startSession(one, token());
      await storage.apiAccess.revokeSession(revoked.id, 10);
      const first = await storage.apiAccess.listSessions({ userId, at: 50, limit: 2 });
      const rest = await storage.apiAccess.listSessions({ userId, at: 50, limit: 2, after: first.next ?? '' });
      expect([...first.items, ...rest.items]).toEqual(living.toReversed());
      expect([first.items.length, rest.next]).toEqual([2, null]);
      expect((await storage.apiAccess.listSessions({ userId: uuidv7(), at: 50, limit: 2 })).items).toEqual([]);
    });

    it('remembers the last use of a session, which never goes back', async () => {
      const own = await open();
      const one = session();
      await own.apiAccess.startSession(one, token());
      own.apiAccess.touchSession(one.id, 5_000);
      own.apiAccess.touchSession(one.id, 4_000);
      const again = await own.reopen();
      expect(await again.apiAccess.session(one.id)).toEqual({ ...one, lastUsedAt: 5_000 });
      await again.close();
    });

    it('exchanges a refresh token for the next one and prolongs the session', async () => {
      const one = session();
      const [first, second, third] = [token(), token(200), token(300)];
      await storage.apiAccess.startSession(one, first);
      const rotated = { outcome: 'rotated', session: { ...one, expiresAt: 200 } };
      expect(await storage.apiAccess.refresh(first.fingerprint, second, 10)).toEqual(rotated);
      expect(await storage.apiAccess.session(one.id)).toEqual(rotated.session);
      expect(await storage.apiAccess.refresh(second.fingerprint, third, 20)).toMatchObject({ outcome: 'rotated' });
    });

    it('ends the session when a token is shown twice', async () => {
      const one = session();
      const [first, second] = [token(), token(200)];
      await storage.apiAccess.startSession(one, first);
      await storage.apiAccess.refresh(first.fingerprint, second, 10);
      expect(await storage.apiAccess.refresh(first.fingerprint, token(), 20)).toMatchObject({ outcome: 'reused' });
      expect(await storage.apiAccess.session(one.id)).toMatchObject({ revokedAt: 20 });
      expect(await storage.apiAccess.refresh(second.fingerprint, token(), 30)).toEqual({ outcome: 'unknown' });
    });

    it('lets one of many simultaneous exchanges of the same token succeed', async () => {
      const one = session();
      const first = token();
      await storage.apiAccess.startSession(one, first);
      const all = await Promise.all(
        Array.from({ length: 8 }, () => storage.apiAccess.refresh(first.fingerprint, token(200), 10)),
      );
      expect(all.filter(({ outcome }) => outcome === 'rotated')).toHaveLength(1);
      expect(all.filter(({ outcome }) => outcome === 'reused')).toHaveLength(1);
    });

    it('knows no token that expired, was made up, or belongs to a session that is over', async () => {
      const [one, other] = [session(), session()];
      const [expired, orphan] = [token(50), token()];
      await storage.apiAccess.startSession(one, expired);
      await storage.apiAccess.startSession(other, orphan);
      await storage.apiAccess.revokeSession(other.id, 5);
      for (const fingerprint of [expired.fingerprint, orphan.fingerprint, 'made up']) {
        expect(await storage.apiAccess.refresh(fingerprint, token(), 50)).toEqual({ outcome: 'unknown' });
      }
    });

    it('ends all sessions of a user but one, nobody else’s, and tells how many', async () => {
      const userId = uuidv7();
      const own = [session({ userId }), session({ userId }), session({ userId }), session({ userId, expiresAt: 2 })];
      const others = session();
      for (const one of [...own, others]) await storage.apiAccess.startSession(one, token());
      const entry = auditEntry();
      const [kept] = own;
      const options = { ...(kept === undefined ? {} : { except: kept.id }), audit: entry };
      expect(await storage.apiAccess.revokeSessions(userId, 7, options)).toBe(2);
      const revoked = await Promise.all([...own, others].map(({ id }) => storage.apiAccess.session(id)));
      expect(revoked.map((one) => one?.revokedAt)).toEqual([null, 7, 7, null, null]);
      expect((await storage.auditLog.list({ subjectId: entry.subject.id }, { limit: 2 })).items).toEqual([entry]);
      expect(await storage.apiAccess.revokeSessions(userId, 8)).toBe(1);
    });

    it('keeps API keys and finds them by id and fingerprint', async () => {
      const key = apiKey({ expiresAt: 50 });
      const entry = auditEntry();
      await storage.apiAccess.insertApiKey(key, entry);
      expect(await storage.apiAccess.apiKey(key.id)).toEqual(key);
      expect(await storage.apiAccess.apiKeyByFingerprint(key.fingerprint)).toEqual(key);
      expect(await storage.apiAccess.apiKeyByFingerprint('made up')).toBeNull();
      expect(await storage.apiAccess.apiKey(uuidv7())).toBeNull();
      await expect(storage.apiAccess.insertApiKey({ ...key, id: uuidv7() }, auditEntry())).rejects.toMatchObject({
        code: 'CONFLICT',
      });
      expect((await storage.auditLog.list({ subjectId: entry.subject.id }, { limit: 2 })).items).toEqual([entry]);
    });

    it('revokes an API key once, and writes that down once', async () => {
      const key = apiKey();
      await storage.apiAccess.insertApiKey(key);
      const entry = auditEntry();
      expect(await storage.apiAccess.revokeApiKey(key.id, 5, entry)).toBe(true);
      expect(await storage.apiAccess.revokeApiKey(key.id, 9, { ...entry, id: uuidv7() })).toBe(false);
      expect(await storage.apiAccess.revokeApiKey(uuidv7(), 9)).toBe(false);
      expect(await storage.apiAccess.apiKey(key.id)).toEqual({ ...key, revokedAt: 5 });
      expect((await storage.auditLog.list({ subjectId: entry.subject.id }, { limit: 2 })).items).toEqual([entry]);
    });

    it('lists API keys of all or of one owner, page by page, and remembers their use', async () => {
      const own = await open();
      const ownerId = uuidv7();
      const keys = Array.from({ length: 3 }, () => apiKey({ ownerId }));
      for (const key of [...keys, apiKey()]) await own.apiAccess.insertApiKey(key);
      const first = await own.apiAccess.listApiKeys({ ownerId, limit: 2 });
      const rest = await own.apiAccess.listApiKeys({ ownerId, limit: 2, after: first.next ?? '' });
      expect([...first.items, ...rest.items]).toEqual(keys);
      expect(rest.next).toBeNull();
      expect((await own.apiAccess.listApiKeys({ limit: 9 })).items).toHaveLength(4);
      const used = keys[0]?.id ?? '';
      own.apiAccess.touchApiKey(used, 5_000);
      const again = await own.reopen();
      expect(await again.apiAccess.apiKey(used)).toMatchObject({ lastUsedAt: 5_000 });
      await again.close();
    });
  });
}
