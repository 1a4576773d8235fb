import { beforeEach, describe, expect, it } from 'vitest';
import type { Counters, CounterWindow, Reservation } from '../../core/storage/ports/counters.ts';
import type { AcceptedMail } from './redis-deployments.ts';

export interface ForgetfulCounters {
  /** Of two processes. */
  readonly counters: readonly [Counters, Counters];
  /** What was accepted according to the database. */
  readonly database: AcceptedMail;
  /** All counters are lost at once. */
  forget(): Promise<void>;
}

const start = Date.parse('2026-11-22T14:00:00Z');
let accounts = 0;

/** What counters that may forget have to do: the database knows what was accepted, and nothing is counted less. */
export function forgottenCountersContract(adapter: string, create: () => Promise<ForgetfulCounters>): void {
  describe(`counters that are lost: ${adapter}`, () => {
    let under: ForgetfulCounters;
    let here: Counters;
    let there: Counters;
    let hour: CounterWindow;
    let day: CounterWindow;

    beforeEach(async () => {
      under = await create();
      [here, there] = under.counters;
      accounts += 1;
      const account = `${process.pid}-lost-${accounts}`;
      const common = { account, limit: 10 };
      const hours = { startsAt: start, endsAt: start + 3_600_000 };
      hour = { ...common, owner: `credential:${account}`, window: 'hour:2026-11-22T14Z', ...hours };
      const days = { startsAt: start - 14 * 3_600_000, endsAt: start + 10 * 3_600_000 };
      day = { ...common, owner: `user:${account}`, window: 'day:2026-11-22[UTC]', limit: 20, ...days };
    });

    const take = async (counters: Counters, units: number): Promise<Reservation> => {
      const reserved = await counters.reserve([hour, day], units);
      if (!reserved.ok) throw new Error(`${reserved.exceeded.window} is full`);
      return reserved.reservation;
    };
    /** Takes mail as core does: settles, then commits. */
    const accept = async (counters: Counters, units: number): Promise<void> => {
      expect(await counters.settle([await take(counters, units)])).toBe(true);
      commit(units);
    };
    const commit = (units: number): void => {
      for (const { owner } of [hour, day]) under.database.accept(owner, start + 60_000, units);
    };

    it('begins with what was accepted before anybody counted', async () => {
      under.database.accept(hour.owner, start + 1, 4);
      under.database.accept(hour.owner, start - 1, 50);
      under.database.accept(day.owner, start - 1, 7);
      await take(here, 1);
      expect([await here.used(hour), await here.used(day)]).toEqual([5, 8]);
    });

    it('counts on from the database after everything was lost', async () => {
      await accept(here, 6);
      await under.forget();
      expect([await there.used(hour), await there.used(day)]).toEqual([6, 6]);
      expect(await there.reserve([hour, day], 5)).toMatchObject({ ok: false, used: 6 });
      await accept(there, 4);
      expect([await here.used(hour), await here.used(day)]).toEqual([10, 10]);
    });

    it('settles what was held when everything was lost, where there is room', async () => {
      const held = await take(here, 6);
      await under.forget();
      expect(await here.settle([held])).toBe(true);
      expect([await there.used(hour), await there.used(day)]).toEqual([6, 6]);
    });

    it('settles none of it where others took the room meanwhile', async () => {
      const [first, second] = [await take(here, 3), await take(here, 3)];
      await under.forget();
      await accept(there, 5);
      expect(await here.settle([first, second])).toBe(false);
      expect([await there.used(hour), await there.used(day)]).toEqual([5, 5]);
      expect(await here.settle([first])).toBe(true);
    });

    it('holds again what its process renews', async () => {
      const held = await take(here, 6);
      await under.forget();
      expect(await there.used(hour)).toBe(0);
      await here.renew([held]);
      await here.renew([held]);
      expect([await there.used(hour), await there.used(day)]).toEqual([6, 6]);
      await here.release([held]);
      expect(await there.used(hour)).toBe(0);
    });

    it('refunds nothing that was lost with all else: the database does not count it either', async () => {
      const held = await take(here, 6);
      expect(await here.settle([held])).toBe(true);
      await under.forget();
      await accept(there, 2);
      await here.refund([held]);
      expect([await there.used(hour), await there.used(day)]).toEqual([2, 2]);
    });

    it('allows exactly the limit to two processes, through five losses', async () => {
      let accepted = 0;
      const client = async (counters: Counters) => {
        for (let tries = 0; tries < 15; tries += 1) {
          const reserved = await counters.reserve([hour, day], 1);
          if (!reserved.ok) continue;
          // Between settle and commit nothing is lost here: that gap is all that a loss may overshoot by.
          const settled = await settleAndCommit(counters, reserved.reservation);
          if (settled) accepted += 1;
        }
      };
      let gate: Promise<void> = Promise.resolve();
      let inside = 0;
      let empty = () => {};
      const settleAndCommit = async (counters: Counters, reservation: Reservation): Promise<boolean> => {
        await gate;
        inside += 1;
        const settled = await counters.settle([reservation]);
        if (settled) commit(1);
        inside -= 1;
        if (inside === 0) empty();
        return settled;
      };
      const lose = async () => {
        const open = Promise.withResolvers<void>();
        gate = open.promise;
        await new Promise<void>((resolve) => {
          empty = resolve;
          if (inside === 0) resolve();
        });
        await under.forget();
        open.resolve();
      };
      const clients = [here, there, here, there, here, there].map(client);
      for (let losses = 0; losses < 5; losses += 1) await lose();
      await Promise.all(clients);
      // What a lost hold took away from a try may leave room at the end.
      while ((await here.reserve([hour, day], 1)).ok) accepted += 1;
      expect(accepted).toBe(10);
    });
  });
}
