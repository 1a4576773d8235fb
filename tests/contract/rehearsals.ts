import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rehearsal, Rehearsals } from '../../core/storage/ports/rehearsals.ts';

export interface RehearsalsUnderTest {
  readonly rehearsals: Rehearsals;
  close(): Promise<void>;
}

const rehearsal = (by: string): Rehearsal => ({
  id: uuidv7(),
  // Names as MongoDB does not take them for fields of its own.
  overlay: { plugins: { 'a.b': { patch: { config: { $set: [1] } }, beneath: { 'config.$set': 'x' } } }, order: null },
  by,
  at: 1_000,
});

/** What every adapter of `Rehearsals` has to do. */
export function describeRehearsals(name: string, open: () => Promise<RehearsalsUnderTest>): void {
  describe(`${name} as the list of dry runs`, () => {
    let storage: RehearsalsUnderTest;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    it('tells each process what it is asked, the oldest first, until that is withdrawn', async () => {
      const { rehearsals } = storage;
      const [first, second, other] = [rehearsal('one'), rehearsal('one'), rehearsal('other')];
      for (const one of [second, other, first]) await rehearsals.propose(one);
      expect(await rehearsals.of('one')).toEqual([first, second]);
      expect(await rehearsals.of('nobody')).toEqual([]);
      await rehearsals.withdraw(first.id);
      await rehearsals.withdraw(first.id);
      expect(await rehearsals.of('one')).toEqual([second]);
      expect(await rehearsals.of('other')).toEqual([other]);
    });
  });
}
