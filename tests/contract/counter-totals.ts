import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CounterTotal } from '../../core/storage/ports/counters.ts';
import { mail } from './mail.ts';
import type { Storage } from './storage.ts';

export interface CounterTotalsStorage extends Storage {
  loadCounters(): Promise<readonly CounterTotal[]>;
  attachCounters(drain: () => readonly CounterTotal[]): void;
  reopen(): Promise<CounterTotalsStorage>;
}

/** What every adapter that saves counters with the mail they count has to do. */
export function describeCounterTotals(name: string, open: () => Promise<CounterTotalsStorage>): void {
  describe(`${name} as the place where counters are saved`, () => {
    let storage: CounterTotalsStorage;
    beforeEach(async () => {
      storage = await open();
    });
    afterEach(() => storage.close());

    const total = (owner: string, units: number, endsAt = Date.now() + 3_600_000): CounterTotal => ({
      owner,
      window: 'hour:2026-11-22T14Z',
      units,
      endsAt,
    });

    it('writes totals with the mail they count', async () => {
      let changed = [total('user:a', 1), total('credential:b', 1)];
      storage.attachCounters(() => changed.splice(0));
      await storage.messages.commit(mail());
      changed = [total('user:a', 2)];
      await storage.messages.commit(mail());
      const loaded = await storage.loadCounters();
      expect(loaded.map(({ owner, units }) => [owner, units]).sort()).toEqual([
        ['credential:b', 1],
        ['user:a', 2],
      ]);
    });

    it('writes what changed last at an orderly end, and forgets windows that are over', async () => {
      const changed = [total('user:a', 7), total('user:over', 7, Date.now() - 1)];
      storage.attachCounters(() => changed.splice(0));
      storage = await storage.reopen();
      expect(await storage.loadCounters()).toEqual([expect.objectContaining({ owner: 'user:a', units: 7 })]);
    });
  });
}
