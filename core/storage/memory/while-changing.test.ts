import { expect, it } from 'vitest';
import { whileChanging } from './while-changing.ts';

it('reads for as long as an announced change may still come, then no more until the next', async () => {
  let revision = '1';
  let now = 0;
  let reads = 0;
  const poll = whileChanging(
    async () => revision,
    async () => {
      reads += 1;
    },
    () => now,
  );
  const readsAt = async (moment: number): Promise<number> => {
    now = moment;
    const before = reads;
    await poll();
    return reads - before;
  };
  expect([await readsAt(0), await readsAt(2_000), await readsAt(39_999)]).toEqual([1, 1, 1]);
  expect([await readsAt(40_000), await readsAt(90_000)]).toEqual([0, 0]);
  revision = '2';
  expect([await readsAt(92_000), await readsAt(130_000), await readsAt(132_000)]).toEqual([1, 1, 0]);
});

it('reads again after a reading that failed, however long that took', async () => {
  let now = 0;
  let reads = 0;
  const poll = whileChanging(
    async () => '1',
    async () => {
      reads += 1;
      now += 60_000;
      if (reads === 1) throw new Error('the database is away');
    },
    () => now,
  );
  await expect(poll()).rejects.toThrow('away');
  await poll();
  expect(reads).toBe(2);
});
