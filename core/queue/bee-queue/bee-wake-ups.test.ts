import { afterEach, expect, it, vi } from 'vitest';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { freePort } from '../../../tests/support/free-port.ts';
import { startRedisCluster } from '../../../tests/support/redis-cluster.ts';
import { startRedisSentinel } from '../../../tests/support/redis-sentinel.ts';
import { type RedisDeployment, startRedis } from '../../../tests/support/redis-servers.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { parseRedisUrl } from '../../config/redis-url.ts';
import { systemClock } from '../../domain/clock.ts';
import { RedisLink } from '../../storage/redis/link.ts';
import { gatheredLog } from '../../storage/redis/testing/log-lines.ts';
import { Dispatcher } from '../dispatcher.ts';
import { DueMail } from '../testing/due-mail.ts';
import { BeeWakeUps } from './bee-wake-ups.ts';

// A failover takes its time, and more of it on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const long = { timeout: 60_000 };

const linkTo = (url: string) => {
  const address = parseRedisUrl(url);
  if ('problem' in address) throw new Error(address.problem);
  const { log, messages } = gatheredLog();
  const link = new RedisLink({ address, log, times: { answerMilliseconds: 1_500, silenceMilliseconds: 4_000 } });
  closing.push(() => link.close());
  return { link, log, messages };
};

/**
 * A process that takes mail in, and a worker with its dispatcher. They never look at the database for due mail by
 * themselves in here, unless `pollMilliseconds` says so: what is claimed came by a wake-up.
 */
const processes = async (
  url: string,
  { pollMilliseconds = 3_600_000, lostMilliseconds = 1_000, dispatch = true } = {},
) => {
  const mail = new DueMail();
  const sending = linkTo(url);
  const working = linkTo(url);
  const sender = BeeWakeUps.sender({ link: sending.link });
  const worker = BeeWakeUps.worker({ link: working.link, pollMilliseconds });
  closing.push(() => sender.close());
  closing.push(() => worker.close());
  const times = { everyMilliseconds: 100, lostMilliseconds };
  const dispatcher = new Dispatcher({ store: mail, queue: worker, clock: systemClock, log: working.log, ...times });
  if (dispatch) dispatcher.start();
  closing.push(() => dispatcher.stop());
  const stop = new AbortController();
  closing.push(async () => stop.abort());
  const claimed: string[] = [];
  let twice = 0;
  let polls = 0;
  const work = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const wakeUps = await worker.next(10, stop.signal);
      if (wakeUps.length === 0) polls += 1;
      for (const { id } of wakeUps) {
        if (mail.claim(id)) claimed.push(id);
        else twice += 1;
      }
    }
  };
  let count = 0;
  /** Mail is committed, and its wake-ups are sent. */
  const commit = (messages: number): void => {
    const ids = Array.from({ length: messages }, (_, i) => `m${count + i}`);
    count += messages;
    sender.send(mail.add(ids, Date.now()));
  };
  const open = () => waitFor('the queues to be open', () => sender.open && worker.open, long);
  const detail = () => JSON.stringify({ open: mail.open, claimed: claimed.length, said: working.messages() });
  const allClaimed = () => waitFor('all mail to be claimed', () => mail.open === 0, { ...long, detail });
  const facts = () => ({ claimed: claimed.length, different: new Set(claimed).size });
  return { ...working, sender, worker, work, commit, open, allClaimed, facts, twice: () => twice, polls: () => polls };
};

const running = async <T extends RedisDeployment>(deployment: T): Promise<T> => {
  closing.push(async () => deployment[Symbol.asyncDispose]());
  return deployment;
};

describeWith(['redis-server'], 'wake-ups while Redis has faults', () => {
  it('are followed once each where nothing goes wrong', async () => {
    const redis = await running(await startRedis());
    // On a busy machine a wake-up takes its time; none is lost here.
    const { work, commit, open, allClaimed, facts, twice } = await processes(redis.url, { lostMilliseconds: 60_000 });
    await open();
    void work();
    for (let batch = 0; batch < 10; batch += 1) commit(100);
    await allClaimed();
    expect(facts()).toEqual({ claimed: 1_000, different: 1_000 });
    expect(twice()).toBe(0);
  });

  it('are sent again after FLUSHALL', async () => {
    const redis = await running(await startRedis());
    const { work, commit, open, allClaimed, facts } = await processes(redis.url);
    await open();
    commit(500);
    await waitFor('some to wait', async () => (await redis.admin.llen('sluice:{mail}:waiting')) > 0);
    await redis.admin.flushall();
    void work();
    commit(100);
    await allClaimed();
    expect(facts()).toEqual({ claimed: 600, different: 600 });
  });

  it('flow again after a restart that lost the scripts', async () => {
    const redis = await running(await startRedis());
    const { work, commit, open, allClaimed, facts, messages } = await processes(redis.url);
    await open();
    void work();
    commit(50);
    await allClaimed();
    await redis.kill();
    commit(50);
    await waitFor('the log to say so', () => messages().some((message) => message.startsWith('Redis does not answer')));
    await redis.start();
    await allClaimed();
    await redis.admin.script('FLUSH');
    commit(50);
    await allClaimed();
    expect(facts()).toEqual({ claimed: 150, different: 150 });
    await waitFor('the log to say so', () => messages().includes('Redis answers again'));
  });

  it('flow again when a frozen Redis thaws', async () => {
    const redis = await running(await startRedis());
    const { work, commit, open, allClaimed, facts, link } = await processes(redis.url);
    await open();
    await waitFor('Redis to be seen', () => link.up);
    void work();
    redis.freeze();
    commit(50);
    await waitFor('the frost to be seen', () => !link.up);
    redis.thaw();
    await allClaimed();
    expect(facts()).toEqual({ claimed: 50, different: 50 });
  });

  it.each(['killed', 'frozen'])('flow again after a failover by sentinels, the master %s', async (how) => {
    const redis = await running(await startRedisSentinel());
    const { work, commit, open, allClaimed, facts } = await processes(redis.url);
    await open();
    void work();
    commit(50);
    await allClaimed();
    const master = await redis.master();
    if (how === 'killed') await master.kill();
    else master.freeze();
    commit(50);
    await waitFor('another master', async () => (await redis.master()).port !== master.port, long);
    await allClaimed();
    expect(facts()).toEqual({ claimed: 100, different: 100 });
  });

  it('flow again after the nodes of a cluster were restarted', async () => {
    const redis = await running(await startRedisCluster());
    const { work, commit, open, allClaimed, facts } = await processes(redis.url);
    await open();
    void work();
    commit(50);
    await allClaimed();
    for (const server of redis.servers) {
      await server.kill();
      await server.start();
    }
    commit(50);
    await allClaimed();
    expect(facts()).toEqual({ claimed: 100, different: 100 });
  });

  it('of a worker that was killed go to another one', async () => {
    const redis = await running(await startRedis());
    const { work, commit, open, allClaimed, facts } = await processes(redis.url, { dispatch: false });
    await open();
    // Fetched by somebody who falls silent; the worker in here passes it on, since it asks for nothing yet.
    commit(1);
    await waitFor('the wake-up', () => redis.admin.brpoplpush('sluice:{mail}:waiting', 'sluice:{mail}:active', 1));
    void work();
    await allClaimed();
    expect(facts()).toEqual({ claimed: 1, different: 1 });
  });

  it('begin when Redis comes later than the processes, which poll meanwhile', async () => {
    const port = await freePort();
    const { work, commit, allClaimed, facts, polls, messages } = await processes(`redis://127.0.0.1:${port}`, {
      pollMilliseconds: 50,
    });
    void work();
    commit(20);
    await waitFor('polls', () => polls() > 2);
    await waitFor('the log to say so', () => messages().some((message) => message.startsWith('Redis does not answer')));
    await running(await startRedis({ port }));
    await allClaimed();
    expect(facts()).toEqual({ claimed: 20, different: 20 });
  });

  it.each(['absent', 'killed', 'frozen'])('end in time while Redis is %s', async (how) => {
    const port = await freePort();
    const redis = how === 'absent' ? null : await running(await startRedis({ port }));
    const { work, commit, open, sender, worker, link } = await processes(`redis://127.0.0.1:${port}`);
    if (redis !== null) await open();
    void work();
    if (how === 'killed') await redis?.kill();
    if (how === 'frozen') redis?.freeze();
    commit(100);
    const startedAt = performance.now();
    await Promise.all([sender.close(), worker.close()]);
    await link.close();
    // Its own deadline is far below that of the process, 30 s.
    expect(performance.now() - startedAt).toBeLessThan(12_000);
    redis?.thaw();
  });
});
