import { afterEach } from 'vitest';
import type { RateLimits } from '../../core/storage/ports/rate-limits.ts';
import { RedisBus } from '../../core/storage/redis/bus.ts';
import { RedisCounters } from '../../core/storage/redis/counters.ts';
import { RedisRateLimits } from '../../core/storage/redis/rate-limits.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { busContract } from './bus.ts';
import { counterReaderContract } from './counter-reader.ts';
import { countersContract } from './counters.ts';
import { forgottenCountersContract } from './forgotten-counters.ts';
import { rateLimitsContract } from './rate-limits.ts';
import { AcceptedMail, describeRedis, expireLeases, passRates } from './redis-deployments.ts';

describeRedis('state that processes share', (on, deployment) => {
  const countersUnderTest = async () => {
    const link = await deployment.link();
    const counters = new RedisCounters({ link, accepted: new AcceptedMail(), clock: new ManualClock() });
    return { counters, expireLeases: () => expireLeases(link) };
  };

  countersContract(on, countersUnderTest);
  counterReaderContract(on, countersUnderTest);
  forgottenCountersContract(on, async () => {
    const database = new AcceptedMail();
    const clock = new ManualClock();
    const make = async () => new RedisCounters({ link: await deployment.link(), accepted: database, clock });
    return { counters: [await make(), await make()], database, forget: () => deployment.flush() };
  });

  rateLimitsContract(on, async () => {
    const link = await deployment.link();
    const limits = new RedisRateLimits(link);
    let passed = 0;
    // The windows come nearer instead of the time going on: what the server says of them is as much later.
    const later = async (state: ReturnType<RateLimits['peek']>) => {
      const { resetsAt, ...rest } = await state;
      return { ...rest, resetsAt: resetsAt + passed };
    };
    return {
      rateLimits: {
        consume: (...args) => later(limits.consume(...args)),
        peek: (...args) => later(limits.peek(...args)),
        reset: (key) => limits.reset(key),
      },
      now: () => Date.now() + passed,
      async pass(milliseconds) {
        passed += milliseconds;
        await passRates(link, milliseconds);
      },
    };
  });

  const buses: RedisBus[] = [];
  afterEach(async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.close()));
  });
  busContract(on, async () => {
    const [here, there] = await Promise.all([
      RedisBus.start({ link: await deployment.link() }),
      RedisBus.start({ link: await deployment.link() }),
    ]);
    buses.push(here, there);
    return { here, there };
  });
});
