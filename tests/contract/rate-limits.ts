import { beforeEach, describe, expect, it } from 'vitest';
import type { RateLimits } from '../../core/storage/ports/rate-limits.ts';

export interface RateLimitsUnderTest {
  readonly rateLimits: RateLimits;
  /** The time that `resetsAt` is measured by. */
  now(): number;
  /** Lets time pass. */
  pass(milliseconds: number): void | Promise<void>;
}

let keys = 0;

/** What every adapter of `RateLimits` has to do. Keys differ from test to test, so that a shared server will do. */
export function rateLimitsContract(
  adapter: string,
  create: () => RateLimitsUnderTest | Promise<RateLimitsUnderTest>,
): void {
  describe(`rate limits: ${adapter}`, () => {
    let limits: RateLimits;
    let given: RateLimitsUnderTest;
    let key: string;

    beforeEach(async () => {
      given = await create();
      limits = given.rateLimits;
      keys += 1;
      key = `key-${process.pid}-${keys}`;
    });

    it('allows the limit and not one more', async () => {
      for (const used of [1, 2, 3]) expect(await limits.consume(key, 3, 60_000)).toMatchObject({ allowed: true, used });
      expect(await limits.consume(key, 3, 60_000)).toMatchObject({ allowed: false, used: 3 });
    });

    it('takes nothing where it refuses', async () => {
      await limits.consume(key, 10, 60_000, 8);
      expect(await limits.consume(key, 10, 60_000, 3)).toMatchObject({ allowed: false, used: 8 });
      expect(await limits.consume(key, 10, 60_000, 2)).toMatchObject({ allowed: true, used: 10 });
    });

    it('says when the window ends, and starts anew then', async () => {
      const { resetsAt } = await limits.consume(key, 1, 60_000);
      expect(Math.abs(resetsAt - given.now() - 60_000)).toBeLessThan(10_000);
      expect((await limits.consume(key, 1, 60_000)).allowed).toBe(false);
      await given.pass(60_001);
      expect(await limits.consume(key, 1, 60_000)).toMatchObject({ allowed: true, used: 1 });
    });

    it('does not prolong a window by later points', async () => {
      const first = await limits.consume(key, 5, 60_000);
      await given.pass(1_000);
      const second = await limits.consume(key, 5, 60_000);
      expect(Math.abs(second.resetsAt - first.resetsAt)).toBeLessThan(50);
    });

    it('looks without taking', async () => {
      expect(await limits.peek(key, 1, 60_000)).toMatchObject({ allowed: true, used: 0 });
      await limits.consume(key, 1, 60_000);
      expect(await limits.peek(key, 1, 60_000)).toMatchObject({ allowed: false, used: 1 });
      expect(await limits.peek(key, 1, 60_000)).toMatchObject({ allowed: false, used: 1 });
    });

    it('allows nothing where the limit is 0', async () => {
      expect(await limits.peek(key, 0, 60_000)).toMatchObject({ allowed: false });
      expect(await limits.consume(key, 0, 60_000)).toMatchObject({ allowed: false, used: 0 });
    });

    it('takes points back, but never below none', async () => {
      await limits.consume(key, 2, 60_000, 2);
      await limits.consume(key, 2, 60_000, -1);
      expect(await limits.consume(key, 2, 60_000)).toMatchObject({ allowed: true, used: 2 });
      await limits.consume(key, 2, 60_000, -5);
      expect(await limits.peek(key, 2, 60_000)).toMatchObject({ allowed: true, used: 0 });
    });

    it('forgets a key on request, and only that', async () => {
      await limits.consume(key, 1, 60_000);
      await limits.consume(`${key}b`, 1, 60_000);
      await limits.reset(key);
      expect((await limits.consume(key, 1, 60_000)).allowed).toBe(true);
      expect((await limits.consume(`${key}b`, 1, 60_000)).allowed).toBe(false);
    });

    it('is exact when many take at the same time', async () => {
      const answers = await Promise.all(Array.from({ length: 40 }, async () => limits.consume(key, 10, 60_000)));
      expect(answers.filter(({ allowed }) => allowed)).toHaveLength(10);
    });
  });
}
