import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenStorage, Storage } from './storage.ts';

/** What every adapter of `KeyValueStore` has to do. */
export function describeKeyValue(name: string, open: OpenStorage): void {
  describe(`${name} as a key-value store`, () => {
    let storage: Storage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    it('keeps JSON values by plugin id and key', async () => {
      const [mine, other] = [storage.keyValue('mine'), storage.keyValue('other')];
      const value = { list: [1, 'zwei', null], nested: { 日: true } };
      await mine.set('key', value);
      await other.set('key', 'theirs');
      expect(await mine.get('key')).toEqual(value);
      expect(await other.get('key')).toBe('theirs');
      expect(await mine.get('none')).toBeUndefined();
      await mine.set('key', null);
      expect(await mine.get('key')).toBeNull();
      await mine.delete('key');
      await mine.delete('key');
      expect(await mine.get('key')).toBeUndefined();
      expect(await other.get('key')).toBe('theirs');
    });

    it('forgets what expired', async () => {
      const mine = storage.keyValue('mine');
      await mine.set('past', 1, Date.now() - 1);
      await mine.set('future', 2, Date.now() + 60_000);
      expect([await mine.get('past'), await mine.get('future')]).toEqual([undefined, 2]);
    });

    it('has everything after a restart', async () => {
      await storage.keyValue('mine').set('lasting', 'yes');
      storage = await storage.reopen();
      expect(await storage.keyValue('mine').get('lasting')).toBe('yes');
    });
  });
}
