import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BlacklistEntry } from '../../core/storage/ports/blacklist.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** What every adapter of `Blacklist` has to do. */
export function describeBlacklist(name: string, open: OpenStorage): void {
  describe(`${name} as the store of the blacklist`, () => {
    let storage: Storage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    const entry = (network: string, change: Partial<BlacklistEntry> = {}): BlacklistEntry => ({
      id: uuidv7(),
      network,
      reason: 'guesses passwords',
      source: 'auto',
      createdAt: Date.now(),
      expiresAt: null,
      ...change,
    });

    it('keeps entries, replaces the one for the same network, removes by id, and has the rest after a restart', async () => {
      const [v4, v6] = [entry('192.0.2.0/24', { expiresAt: Date.now() + 60_000 }), entry('2001:db8::/32')];
      await storage.blacklist.put(v4);
      await storage.blacklist.put(v6);
      expect(await storage.blacklist.all()).toEqual(expect.arrayContaining([v4, v6]));
      const newer = entry('192.0.2.0/24', { source: 'manual', reason: 'asked for' });
      await storage.blacklist.put(newer);
      expect(await storage.blacklist.all()).toHaveLength(2);
      expect(await storage.blacklist.remove(v4.id)).toBe(false);
      expect(await storage.blacklist.remove(v6.id)).toBe(true);
      storage = await storage.reopen();
      expect(await storage.blacklist.all()).toEqual([newer]);
    });
  });
}
