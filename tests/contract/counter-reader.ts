import { describe, expect, it } from 'vitest';
import type { CounterReader, Counters, CounterWindow } from '../../core/storage/ports/counters.ts';

export interface CounterReaderUnderTest {
  readonly counters: Counters & CounterReader;
  /** Lets so much time pass that every lease ends that is not renewed after it. */
  expireLeases(): void | Promise<void>;
}

let owners = 0;

/** What every adapter of `CounterReader` has to do. */
export function counterReaderContract(
  adapter: string,
  create: () => CounterReaderUnderTest | Promise<CounterReaderUnderTest>,
): void {
  describe(`reading counters: ${adapter}`, () => {
    const windowOf = (owner: string, window: string): CounterWindow => ({
      account: `reader-${process.pid}-${owners}`,
      owner: `user:reader-${process.pid}-${owner}`,
      window,
      limit: 10,
      startsAt: Date.parse('2026-11-22T14:00:00Z'),
      endsAt: Date.parse('2026-11-22T15:00:00Z'),
    });

    it('tells what is settled from what is held, in the order asked for', async () => {
      const { counters, expireLeases } = await create();
      owners += 1;
      const hour = windowOf(String(owners), 'hour:2026-11-22T14Z');
      const day = windowOf(String(owners), 'day:2026-11-22[UTC]');
      const other = windowOf(`${owners}x`, 'hour:2026-11-22T14Z');
      const first = await counters.reserve([hour, day], 3);
      const second = await counters.reserve([hour], 2);
      if (!first.ok || !second.ok) throw new Error('there is room');
      expect(await counters.settle([first.reservation])).toBe(true);
      expect(await counters.standing([other, day, hour])).toEqual([
        { settled: 0, held: 0 },
        { settled: 3, held: 0 },
        { settled: 3, held: 2 },
      ]);
      await expireLeases();
      expect(await counters.standing([hour])).toEqual([{ settled: 3, held: 0 }]);
    });

    it('counts nothing by being asked', async () => {
      const { counters } = await create();
      owners += 1;
      const hour = windowOf(String(owners), 'hour:2026-11-22T14Z');
      expect(await counters.standing([hour])).toEqual([{ settled: 0, held: 0 }]);
      expect(await counters.standing([])).toEqual([]);
      expect(await counters.used(hour)).toBe(0);
    });
  });
}
