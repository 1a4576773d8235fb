import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { AcceptedMail } from '../../../tests/contract/redis-deployments.ts';
import { runChild } from '../../../tests/support/child.ts';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { startRedisCluster } from '../../../tests/support/redis-cluster.ts';
import { startRedisSentinel } from '../../../tests/support/redis-sentinel.ts';
import { type RedisDeployment, startRedis } from '../../../tests/support/redis-servers.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { parseRedisUrl } from '../../config/redis-url.ts';
import { systemClock } from '../../domain/clock.ts';
import { createLog } from '../../observability/log.ts';
import type { CounterWindow, Reservation } from '../ports/counters.ts';
import { RedisCounters } from './counters.ts';
import { RedisLink } from './link.ts';

// A failover takes its time, and more of it on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const hourMilliseconds = 3_600_000;

/** Counters of one process on this deployment, and a window of this hour that nobody else counts in. */
const counting = async <T extends RedisDeployment>(deployment: T, limit = 10) => {
  closing.push(async () => deployment[Symbol.asyncDispose]());
  const address = parseRedisUrl(deployment.url);
  if ('problem' in address) throw new Error(address.problem);
  const times = { answerMilliseconds: 1_500, silenceMilliseconds: 4_000 };
  const link = new RedisLink({ address, log: createLog({ level: 'silent' }), times });
  closing.push(() => link.close());
  await link.ready();
  const database = new AcceptedMail();
  const counters = new RedisCounters({ link, accepted: database, clock: systemClock });
  const startsAt = Date.now() - 60_000;
  const window: CounterWindow = {
    account: 'u1',
    owner: 'user:u1',
    window: 'hour:now',
    limit,
    startsAt,
    endsAt: startsAt + hourMilliseconds,
  };
  const take = async (units: number): Promise<Reservation> => {
    const reserved = await counters.reserve([window], units);
    if (!reserved.ok) throw new Error('full');
    return reserved.reservation;
  };
  /** As core takes mail in. */
  const accept = async (units: number): Promise<void> => {
    expect(await counters.settle([await take(units)])).toBe(true);
    database.accept(window.owner, Date.now(), units);
  };
  const recovered = () =>
    waitFor(
      'counters to work again',
      () =>
        counters
          .used(window)
          .then((used) => ({ used }))
          .catch(() => null),
      {
        timeout: 60_000,
      },
    );
  return { deployment, link, counters, database, window, take, accept, recovered };
};

const unavailable = { code: 'REDIS_UNAVAILABLE' };

describeWith(['redis-server'], 'counters while Redis has faults', () => {
  it('rejects at once while Redis is gone, and counts on from the database when it is back empty', async () => {
    const { deployment, counters, window, take, accept, recovered } = await counting(await startRedis());
    await accept(4);
    const held = await take(2);
    await deployment.kill();
    await expect(counters.reserve([window], 1)).rejects.toMatchObject(unavailable);
    await expect(counters.settle([held])).rejects.toMatchObject(unavailable);
    await expect(counters.used(window)).rejects.toMatchObject(unavailable);
    await deployment.start();
    expect((await recovered()).used).toBe(4);
    await accept(6);
    expect(await counters.reserve([window], 1)).toMatchObject({ ok: false, used: 10 });
  });

  it('believes no snapshot that is older than what was accepted since', async () => {
    const { deployment, counters, window, accept, take, recovered } = await counting(await startRedis());
    await accept(2);
    await deployment.admin.save();
    await accept(5);
    await deployment.kill();
    await deployment.start();
    expect((await recovered()).used).toBe(7);
    await take(3);
    expect(await counters.reserve([window], 1)).toMatchObject({ ok: false, used: 10 });
  });

  it('keeps nothing of what was asked of a frozen Redis and given up', async () => {
    const { deployment, counters, window, take } = await counting(await startRedis());
    const held = await take(2);
    deployment.freeze();
    await expect(counters.reserve([window], 3)).rejects.toMatchObject(unavailable);
    await expect(counters.settle([held])).rejects.toMatchObject(unavailable);
    await expect(counters.release([held])).rejects.toMatchObject(unavailable);
    deployment.thaw();
    await waitFor('nothing to be counted', async () => (await counters.used(window).catch(() => -1)) === 0, {
      timeout: 60_000,
    });
  });

  it('answers nothing from a window that it cannot seed, and asks again', async () => {
    const { counters, database, window, take } = await counting(await startRedis());
    database.broken = true;
    await expect(counters.reserve([window], 1)).rejects.toThrow('the database is away');
    await expect(counters.used(window)).rejects.toThrow('the database is away');
    database.broken = false;
    await take(10);
    expect(await counters.reserve([window], 1)).toMatchObject({ ok: false });
  });

  it('asks the database once for all who wait for the same window', async () => {
    const { counters, database, link, window } = await counting(await startRedis());
    // Now the server knows the script.
    await counters.reserve([{ ...window, account: 'u2' }], 1);
    const before = database.asked;
    const answer = database.hold();
    const all = Promise.all(Array.from({ length: 10 }, () => counters.reserve([window], 1)));
    // Answered after all of them were, on the same connection.
    await link.commands.ping();
    await turn();
    answer();
    expect((await all).every(({ ok }) => ok)).toBe(true);
    expect(database.asked - before).toBe(1);
  });

  it('says so when Redis has no memory left', async () => {
    const { deployment, counters, window } = await counting(await startRedis());
    await deployment.admin.config('SET', 'maxmemory', '1');
    await expect(counters.reserve([window], 1)).rejects.toMatchObject(unavailable);
    await deployment.admin.config('SET', 'maxmemory', '0');
    expect(await counters.reserve([window], 1)).toMatchObject({ ok: true });
  });

  it('refuses windows of two accounts in one call', async () => {
    const { counters, window } = await counting(await startRedis());
    await expect(counters.reserve([window, { ...window, account: 'u2' }], 1)).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });

  it('allows exactly the limit to four processes', async () => {
    const { deployment, counters, window } = await counting(await startRedis(), 100);
    const child = join(import.meta.dirname, 'testing/counting-child.ts');
    const runs = await Promise.all(
      [1, 2, 3, 4].map(() => runChild(process.execPath, [child, deployment.url, '100'], { timeout: 100_000 })),
    );
    expect(runs.map(({ stderr }) => stderr).join('')).toBe('');
    // What was held by one and given back when the others had stopped trying is the rest.
    let settled = runs.reduce((sum, { stdout }) => sum + Number(stdout), 0);
    expect(settled).toBeGreaterThan(60);
    const key = { ...window, account: 'u', owner: 'user:u' };
    expect(await counters.used(key)).toBe(settled);
    while ((await counters.reserve([key], 1)).ok) settled += 1;
    expect(settled).toBe(100);
  });

  it.each(['killed', 'frozen'])('is exact after a failover by sentinels, the master %s', async (how) => {
    const { deployment, counters, window, accept, take, recovered } = await counting(await startRedisSentinel());
    await accept(4);
    const held = await take(3);
    const master = await deployment.master();
    if (how === 'killed') await master.kill();
    else master.freeze();
    await waitFor('another master', async () => (await deployment.master()).port !== master.port, { timeout: 60_000 });
    await recovered();
    expect(await counters.settle([held])).toBe(true);
    expect(await counters.used(window)).toBe(7);
    await take(3);
    expect(await counters.reserve([window], 1)).toMatchObject({ ok: false, used: 10 });
  });

  it('counts on when a node of a cluster was killed and came back empty', async () => {
    const { deployment, counters, window, accept, recovered } = await counting(await startRedisCluster());
    await accept(4);
    await Promise.all(deployment.servers.map((server) => server.kill()));
    await expect(counters.reserve([window], 1)).rejects.toMatchObject(unavailable);
    await Promise.all(deployment.servers.map((server) => server.start()));
    expect((await recovered()).used).toBe(4);
    await accept(6);
    expect(await counters.reserve([window], 1)).toMatchObject({ ok: false, used: 10 });
  });
});
