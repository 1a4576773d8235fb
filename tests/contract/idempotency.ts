import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenStorage, Storage } from './storage.ts';

/** What every adapter of `IdempotencyStore` has to do. */
export function describeIdempotency(name: string, open: OpenStorage): void {
  describe(`${name} as the memory of answers`, () => {
    let storage: Storage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    it('lets one of many simultaneous requests begin', async () => {
      const key = uuidv7();
      const found = await Promise.all(Array.from({ length: 20 }, () => storage.idempotency.begin(key, 'd', 1, 100)));
      expect(found.filter(({ state }) => state === 'new')).toHaveLength(1);
      expect(found.filter(({ state }) => state === 'unfinished')).toHaveLength(19);
    });

    it('remembers the answer and what it was an answer to, across a restart, until it expires', async () => {
      const own = await open();
      expect(await own.idempotency.begin('key', 'digest', 1, 100)).toEqual({ state: 'new' });
      await own.idempotency.finish('key', 'the answer');
      const again = await own.reopen();
      const answered = { state: 'answered', digest: 'digest', answer: 'the answer' };
      expect(await again.idempotency.begin('key', 'another', 99, 200)).toEqual(answered);
      expect(await again.idempotency.begin('key', 'another', 100, 200)).toEqual({ state: 'new' });
      expect(await again.idempotency.begin('key', 'x', 101, 200)).toEqual({ state: 'unfinished', digest: 'another' });
      await again.close();
    });

    it('frees a key of which nothing came', async () => {
      const key = uuidv7();
      await storage.idempotency.begin(key, 'd', 1, 100);
      await storage.idempotency.abandon(key);
      expect(await storage.idempotency.begin(key, 'd', 2, 100)).toEqual({ state: 'new' });
    });
  });
}
