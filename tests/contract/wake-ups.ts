import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WakeUpQueue } from '../../core/queue/wake-up-queue.ts';
import type { WakeUp, WakeUpSource } from '../../core/storage/ports/wake-ups.ts';
import { waitFor } from '../support/wait-for.ts';

export interface WakeUpsUnderTest {
  /** Of a process that takes mail in. */
  readonly sender: WakeUpQueue;
  /** Of two workers, which look at the database after `pollMilliseconds`. */
  readonly workers: readonly [WakeUpSource, WakeUpSource];
  readonly pollMilliseconds: number;
  close(): Promise<void>;
}

/** What every queue of wake-ups has to do. Nothing else may be in the queue. */
export function wakeUpsContract(adapter: string, create: () => Promise<WakeUpsUnderTest>): void {
  describe(`wake-ups: ${adapter}`, () => {
    let under: WakeUpsUnderTest;
    let stop: AbortController;
    const woken: string[][] = [[], []];

    beforeEach(async () => {
      under = await create();
      stop = new AbortController();
      for (const list of woken) list.length = 0;
    });
    afterEach(async () => {
      stop.abort();
      await under.close();
    });

    const wakeUps = (count: number, name: string): WakeUp[] =>
      Array.from({ length: count }, (_, i) => ({ id: `${name}-${i}`, attempt: i % 3 }));

    /** A worker that takes what comes, until the test ends. */
    const work = async (worker: 0 | 1): Promise<void> => {
      while (!stop.signal.aborted) {
        for (const { id } of await under.workers[worker].next(10, stop.signal)) woken[worker]?.push(id);
      }
    };

    it('hands each wake-up to one worker, whole', async () => {
      const waiting = under.workers[0].next(10, stop.signal);
      const [wakeUp] = wakeUps(1, 'one');
      if (wakeUp === undefined) throw new Error('there is one');
      under.sender.send([wakeUp]);
      const got = await waitFor('the wake-up', async () => {
        const taken = await waiting;
        return taken.length > 0 ? taken : under.workers[0].next(10, stop.signal);
      });
      expect(got).toEqual([wakeUp]);
    });

    it('shares many among the workers and doubles none', async () => {
      void work(0);
      void work(1);
      under.sender.send(wakeUps(300, 'many'));
      await waitFor('all wake-ups', () => woken.flat().length >= 300, { timeout: 30_000 });
      expect(new Set(woken.flat()).size).toBe(300);
      expect(woken.flat()).toHaveLength(300);
    });

    it('takes the same wake-up again, once it was followed', async () => {
      void work(0);
      const again = wakeUps(1, 'again');
      for (const times of [1, 2, 3]) {
        under.sender.send(again);
        await waitFor(`time ${times}`, () => woken[0]?.length === times, { timeout: 30_000 });
      }
    });

    it('passes on what a busy worker has fetched', async () => {
      // Both fetch; only the second one ever asks.
      under.sender.send(wakeUps(50, 'busy'));
      void work(1);
      await waitFor('all at the second worker', () => woken[1]?.length === 50, { timeout: 50_000 });
      expect(new Set(woken[1]).size).toBe(50);
    });

    it('answers no more than asked for', async () => {
      under.sender.send(wakeUps(5, 'limit'));
      const got: WakeUp[] = [];
      await waitFor(
        'five',
        async () => {
          const taken = await under.workers[0].next(2, stop.signal);
          expect(taken.length).toBeLessThanOrEqual(2);
          got.push(...taken);
          return got.length === 5;
        },
        { timeout: 50_000 },
      );
    });

    it('answers none when it is time to look at the database', async () => {
      const started = performance.now();
      expect(await under.workers[0].next(10, stop.signal)).toEqual([]);
      expect(performance.now() - started).toBeGreaterThan(under.pollMilliseconds - 50);
    });

    it('answers none at once where nobody waits any more', async () => {
      const gone = new AbortController();
      const waiting = under.workers[0].next(10, gone.signal);
      gone.abort();
      expect(await waiting).toEqual([]);
      expect(await under.workers[0].next(10, AbortSignal.abort())).toEqual([]);
    });

    it('knows how much room it has', async () => {
      const before = await under.sender.room();
      expect(before).toBeGreaterThan(100);
      void work(0);
      under.sender.send(wakeUps(20, 'room'));
      await waitFor('all wake-ups', () => woken.flat().length === 20, { timeout: 30_000 });
      await waitFor('the room again', async () => (await under.sender.room()) === before);
    });

    it('ends while wake-ups wait', async () => {
      under.sender.send(wakeUps(30, 'end'));
      await Promise.race([under.close(), delay(20_000).then(() => Promise.reject(new Error('it did not end')))]);
    });
  });
}
