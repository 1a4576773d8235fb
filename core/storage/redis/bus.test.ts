import { afterEach, expect, it, vi } from 'vitest';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { freePort } from '../../../tests/support/free-port.ts';
import { startRedisCluster } from '../../../tests/support/redis-cluster.ts';
import { startRedisSentinel } from '../../../tests/support/redis-sentinel.ts';
import { type RedisDeployment, startRedis } from '../../../tests/support/redis-servers.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { parseRedisUrl } from '../../config/redis-url.ts';
import type { BusEvent } from '../ports/bus.ts';
import { RedisBus } from './bus.ts';
import { RedisLink } from './link.ts';
import { gatheredLog } from './testing/log-lines.ts';

// A failover takes its time, and more of it on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const linkTo = (url: string): { link: RedisLink; messages: () => string[] } => {
  const address = parseRedisUrl(url);
  if ('problem' in address) throw new Error(address.problem);
  const { log, messages } = gatheredLog();
  const times = { answerMilliseconds: 1_500, silenceMilliseconds: 4_000 };
  const link = new RedisLink({ address, log, times });
  closing.push(() => link.close());
  return { link, messages };
};

/** The bus of one process, and what it tells its listeners. */
const member = async (url: string) => {
  const { link, messages } = linkTo(url);
  await link.ready();
  const bus = await RedisBus.start({ link, pollMilliseconds: 100 });
  closing.push(() => bus.close());
  const heard: BusEvent[] = [];
  bus.subscribe((event) => heard.push(event));
  const missed = () => heard.some(({ kind }) => kind === 'missed');
  return { bus, heard, missed, messages };
};

const two = async <T extends RedisDeployment>(deployment: T) => {
  closing.push(async () => deployment[Symbol.asyncDispose]());
  return { deployment, here: await member(deployment.url), there: await member(deployment.url) };
};

const hears = (heard: readonly BusEvent[], id: string) => heard.some((event) => 'id' in event && event.id === id);

describeWith(['redis-server'], 'the bus while Redis has faults', () => {
  it('tells its own listeners at once, with or without Redis', async () => {
    const { deployment, here } = await two(await startRedis());
    here.bus.publish({ kind: 'user', id: 'with' });
    expect(hears(here.heard, 'with')).toBe(true);
    await deployment.kill();
    here.bus.publish({ kind: 'user', id: 'without' });
    expect(hears(here.heard, 'without')).toBe(true);
    await waitFor('the log to say so', () =>
      here.messages().includes('a change could not be told to the other processes'),
    );
  });

  it('tells the others that they missed something once Redis is back', async () => {
    const { deployment, here, there } = await two(await startRedis());
    await deployment.kill();
    here.bus.publish({ kind: 'user', id: 'lost' });
    await deployment.start();
    await waitFor('the others to know', there.missed);
    expect(hears(there.heard, 'lost')).toBe(false);
    await waitFor(
      'events to be heard again',
      () => {
        here.bus.publish({ kind: 'user', id: 'later' });
        return hears(there.heard, 'later');
      },
      { interval: 100 },
    );
  });

  it('finds out that an event passed it by', async () => {
    const { deployment, here, there } = await two(await startRedis());
    // An event that is counted and that nobody hears: as if the subscription had been down meanwhile.
    await deployment.admin.incr('sluice:{bus}:version');
    await waitFor('both to know', () => here.missed() && there.missed());
    expect(there.heard.every(({ kind }) => kind === 'missed')).toBe(true);
  });

  it('knows by the next event that one passed it by', async () => {
    const { deployment, here, there } = await two(await startRedis());
    await deployment.admin.incr('sluice:{bus}:version');
    here.bus.publish({ kind: 'user', id: 'next' });
    await waitFor('the event', () => hears(there.heard, 'next'));
    await waitFor('the missed one', there.missed);
  });

  it('goes on after FLUSHALL', async () => {
    const { deployment, here, there } = await two(await startRedis());
    here.bus.publish({ kind: 'user', id: 'before' });
    await waitFor('the event', () => hears(there.heard, 'before'));
    await deployment.admin.flushall();
    here.bus.publish({ kind: 'user', id: 'after' });
    await waitFor('the event', () => hears(there.heard, 'after'));
    await waitFor('the loss to be known', there.missed);
  });

  it('does not fall over what others say on its channel', async () => {
    const { deployment, here, there } = await two(await startRedis());
    for (const nonsense of ['', 'x', '7', '7 null', '8 {"event":7}']) {
      await deployment.admin.publish('sluice:bus', nonsense);
    }
    here.bus.publish({ kind: 'user', id: 'sense' });
    await waitFor('the event', () => hears(there.heard, 'sense'));
  });

  it('goes on after a failover by sentinels', async () => {
    const { deployment, here, there } = await two(await startRedisSentinel());
    const master = await deployment.master();
    master.freeze();
    await waitFor('another master', async () => (await deployment.master()).port !== master.port, { timeout: 60_000 });
    await waitFor(
      'events to be heard again',
      () => {
        here.bus.publish({ kind: 'user', id: 'later' });
        return hears(there.heard, 'later');
      },
      { interval: 200, timeout: 60_000 },
    );
  });

  it('goes on when the nodes of a cluster were restarted', async () => {
    const { deployment, here, there } = await two(await startRedisCluster());
    for (const server of deployment.servers) {
      await server.kill();
      await server.start();
    }
    await waitFor(
      'events to be heard again',
      () => {
        here.bus.publish({ kind: 'user', id: 'later' });
        return hears(there.heard, 'later');
      },
      { interval: 200, timeout: 60_000 },
    );
  });

  it('waits for Redis at the start, and can be stopped meanwhile', async () => {
    const port = await freePort();
    const { link } = linkTo(`redis://127.0.0.1:${port}`);
    const stop = new AbortController();
    const never = RedisBus.start({ link, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(never).rejects.toThrow('enough');
    const started = RedisBus.start({ link });
    const redis = await startRedis({ port });
    closing.push(async () => redis.stop());
    await (await started).close();
  });
});
