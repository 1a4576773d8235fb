import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Counters, CounterWindow, Reservation } from '../../core/storage/ports/counters.ts';

export interface CountersUnderTest {
  readonly counters: Counters;
  /** Lets so much time pass that every lease ends that is not renewed after it. */
  expireLeases(): void | Promise<void>;
}

let owners = 0;
const window = (owner: string, limit: number, name = 'hour:2026-11-22T14Z'): CounterWindow => ({
  account: owner,
  owner,
  window: name,
  limit,
  startsAt: Date.parse('2026-11-22T14:00:00Z'),
  endsAt: Date.parse('2026-11-22T15:00:00Z'),
});

/** What every adapter of `Counters` has to do. Owners differ from test to test, so that a shared server will do. */
export function countersContract(adapter: string, create: () => CountersUnderTest | Promise<CountersUnderTest>): void {
  describe(`counters: ${adapter}`, () => {
    let counters: Counters;
    let expireLeases: CountersUnderTest['expireLeases'];
    let owner: string;

    beforeEach(async () => {
      ({ counters, expireLeases } = await create());
      owners += 1;
      owner = `credential:${process.pid}-${owners}`;
    });

    const take = async (windows: readonly CounterWindow[], units = 1): Promise<Reservation> => {
      const reserved = await counters.reserve(windows, units);
      if (!reserved.ok) throw new Error(`${reserved.exceeded.window} is full`);
      return reserved.reservation;
    };

    it('holds as many units as the limit allows and names the window that is full', async () => {
      const hour = window(owner, 3);
      await take([hour], 2);
      await take([hour], 1);
      expect(await counters.reserve([hour], 1)).toEqual({ ok: false, exceeded: hour, used: 3 });
    });

    it('reserves in all windows or in none', async () => {
      const hour = window(owner, 10);
      const day = window(owner, 2, 'day:2026-11-22[UTC]');
      await take([hour, day], 2);
      expect(await counters.reserve([hour, day], 1)).toMatchObject({ ok: false, exceeded: day, used: 2 });
      expect(await counters.used(hour)).toBe(2);
    });

    it('allows nothing where the limit is 0', async () => {
      expect(await counters.reserve([window(owner, 0)], 1)).toMatchObject({ ok: false, used: 0 });
    });

    it('keeps owners and windows apart', async () => {
      await take([window(owner, 1)]);
      await take([window(`${owner}x`, 1)]);
      await take([window(owner, 1, 'hour:2026-11-22T15Z')]);
      expect(await counters.reserve([window(owner, 1)], 1)).toMatchObject({ ok: false });
    });

    it('gives back what is released, once', async () => {
      const hour = window(owner, 5);
      const first = await take([hour], 2);
      await take([hour], 1);
      await counters.release([first]);
      await counters.release([first]);
      expect(await counters.used(hour)).toBe(1);
    });

    it('keeps what is settled, through a later release', async () => {
      const hour = window(owner, 5);
      const reservations = [await take([hour], 2), await take([hour], 1)];
      expect(await counters.settle(reservations)).toBe(true);
      await counters.release(reservations);
      await expireLeases();
      expect(await counters.used(hour)).toBe(3);
    });

    it('counts a reservation once that is settled twice', async () => {
      const hour = window(owner, 5);
      const reservation = await take([hour], 2);
      await counters.settle([reservation]);
      expect(await counters.settle([reservation])).toBe(true);
      expect(await counters.used(hour)).toBe(2);
    });

    it('gives back what was settled when the commit failed, once', async () => {
      const hour = window(owner, 5);
      const reservation = await take([hour], 2);
      const other = await take([hour], 1);
      await counters.settle([reservation, other]);
      await counters.refund([reservation]);
      await counters.refund([reservation]);
      expect(await counters.used(hour)).toBe(1);
    });

    it('does not refund what was only held', async () => {
      const hour = window(owner, 5);
      const settled = await take([hour], 2);
      await counters.settle([settled]);
      const held = await take([hour], 1);
      await counters.refund([held]);
      expect(await counters.used(hour)).toBe(3);
    });

    it('frees what is neither renewed nor settled when its lease ends', async () => {
      const hour = window(owner, 1);
      await take([hour]);
      await expireLeases();
      expect(await counters.used(hour)).toBe(0);
      await take([hour]);
    });

    it('reserves an expired reservation anew when it is settled', async () => {
      const hour = window(owner, 2);
      const late = await take([hour]);
      await expireLeases();
      expect(await counters.settle([late])).toBe(true);
      expect(await counters.used(hour)).toBe(1);
    });

    it('settles none of a group when one expired and its room is taken', async () => {
      const hour = window(owner, 1);
      const day = window(owner, 5, 'day:2026-11-22[UTC]');
      const [early, late] = [await take([day]), await take([hour])];
      await expireLeases();
      await take([hour]);
      expect(await counters.settle([early, late])).toBe(false);
      await expireLeases();
      expect([await counters.used(hour), await counters.used(day)]).toEqual([0, 0]);
    });

    it('keeps a renewed reservation', async () => {
      const hour = window(owner, 1);
      const reservation = await take([hour]);
      await counters.renew([reservation]);
      expect(await counters.reserve([hour], 1)).toMatchObject({ ok: false });
      expect(await counters.settle([reservation])).toBe(true);
    });

    it('never goes over the limit, whatever eight clients do at the same time', async () => {
      const step = fc.record({
        client: fc.integer({ min: 0, max: 7 }),
        do: fc.constantFrom('reserve', 'settle', 'refund', 'release', 'expire'),
        units: fc.integer({ min: 1, max: 4 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          owners += 1;
          const hour = window(`credential:${process.pid}-${owners}`, 10);
          const held: Reservation[][] = Array.from({ length: 8 }, () => []);
          const settled: Reservation[][] = Array.from({ length: 8 }, () => []);
          await Promise.all(
            steps.map(async ({ client, do: action, units }) => {
              const mine = held[client] ?? [];
              if (action === 'reserve') {
                const reserved = await counters.reserve([hour], units);
                if (reserved.ok) mine.push(reserved.reservation);
              } else if (action === 'settle') {
                const due = mine.splice(0);
                if (await counters.settle(due)) settled[client]?.push(...due);
              } else if (action === 'refund') await counters.refund(settled[client]?.splice(0) ?? []);
              else if (action === 'release') await counters.release(mine.splice(0));
              else await expireLeases();
              expect(await counters.used(hour)).toBeLessThanOrEqual(10);
            }),
          );
          const kept = settled.flat().reduce((sum, { units }) => sum + units, 0);
          await counters.release(held.flat());
          expect(kept).toBeLessThanOrEqual(10);
          expect(await counters.used(hour)).toBe(kept);
        }),
        { numRuns: 50 },
      );
    });
  });
}
