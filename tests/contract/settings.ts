import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keptSettingsVersions, type NewSettingsVersion } from '../../core/storage/ports/settings.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** What every adapter of `SettingsStore` has to do. */
export function describeSettings(name: string, open: OpenStorage): void {
  describe(`${name} as the store of the plugins' settings`, () => {
    let storage: Storage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    const version = (number: number, change: Partial<NewSettingsVersion> = {}): NewSettingsVersion => ({
      number,
      overlay: { plugins: { quota: { patch: { config: { n: number } }, beneath: { 'config.n': 'x' } } }, order: null },
      fingerprint: `f${number}`,
      cause: 'change',
      author: null,
      at: 1_000 + number,
      ...change,
    });

    it('has none at first', async () => {
      expect(await storage.settings.current()).toBeNull();
      expect(await storage.settings.latest()).toBe(0);
      expect(await storage.settings.list({ limit: 5 })).toEqual({ items: [], next: null });
    });

    it('lets one of several with the same number through, and makes it current only when it is accepted', async () => {
      const proposed = await Promise.all(
        ['a', 'b', 'c'].map((author) => storage.settings.propose(version(1, { author }))),
      );
      expect(proposed.filter(Boolean)).toHaveLength(1);
      expect(await storage.settings.current()).toBeNull();
      expect(await storage.settings.version(1)).toMatchObject({ state: 'candidate', reason: null });
      expect(await storage.settings.accept(1)).toBe(true);
      expect(await storage.settings.accept(1)).toBe(false);
      const author = ['a', 'b', 'c'][proposed.indexOf(true)] ?? null;
      expect(await storage.settings.current()).toEqual({ ...version(1, { author }), state: 'current', reason: null });
    });

    it('leaves the current one alone when a candidate is rejected or unknown', async () => {
      await storage.settings.propose(version(2));
      expect(await storage.settings.reject(2, 'the worker could not build it')).toBe(true);
      expect(await storage.settings.accept(2)).toBe(false);
      expect(await storage.settings.accept(99)).toBe(false);
      expect(await storage.settings.reject(1, 'too late')).toBe(false);
      expect(await storage.settings.current()).toMatchObject({ number: 1 });
      expect(await storage.settings.version(2)).toMatchObject({
        state: 'rejected',
        reason: 'the worker could not build it',
      });
    });

    it('supersedes the one before, keeps all of them, newest first, and has them after a restart', async () => {
      await storage.settings.propose(version(3));
      expect(await storage.settings.accept(3)).toBe(true);
      storage = await storage.reopen();
      expect(await storage.settings.latest()).toBe(3);
      const first = await storage.settings.list({ limit: 2 });
      expect(first.items.map(({ number, state }) => [number, state])).toEqual([
        [3, 'current'],
        [2, 'rejected'],
      ]);
      const rest = await storage.settings.list({ limit: 2, after: first.next ?? '' });
      expect(rest.items.map(({ number, state }) => [number, state])).toEqual([[1, 'superseded']]);
      expect(rest.next).toBeNull();
      expect(await storage.settings.version(4)).toBeNull();
    });

    it('keeps the last hundred', async () => {
      for (let number = 4; number <= keptSettingsVersions + 2; number += 1) {
        await storage.settings.propose(version(number));
        await storage.settings.accept(number);
      }
      expect(await storage.settings.version(2)).toBeNull();
      expect(await storage.settings.version(3)).toMatchObject({ state: 'superseded' });
      expect(await storage.settings.latest()).toBe(keptSettingsVersions + 2);
      const all = await storage.settings.list({ limit: 200 });
      expect(all.items).toHaveLength(keptSettingsVersions);
    });
  });
}
