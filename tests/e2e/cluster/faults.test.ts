import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Account, createCredential, registerFirst } from '../../support/api-client.ts';
import { type CaptureSink, startCaptureSink } from '../../support/capture-sink.ts';
import { type Cluster, type ClusterProcess, startCluster } from '../../support/cluster.ts';
import { moreAccepted, startJournals } from '../../support/cluster-journals.ts';
import { describeWith } from '../../support/describe-with.ts';
import type { Journal } from '../../support/journal.ts';
import { type MongodbServer, startMongodb } from '../../support/mongodb-server.ts';
import { type RedisServer, startRedis } from '../../support/redis-servers.ts';
import { waitFor } from '../../support/wait-for.ts';
import { ahead, concurrency, judge, leaseMilliseconds, underLoad } from './load.ts';

const times = 3;
/** After each fault mail has to be taken and delivered again within so many milliseconds. */
const recovery = 60_000;

/*
 * Everything that a cluster is made of fails under load, each at least three times: nothing promised is lost, and only
 * what a worker had in hand when it was killed or frozen may come twice.
 */
describeWith(['mongodb', 'redis'], 'a cluster whose parts fail under load', () => {
  let mongodb: MongodbServer;
  let redis: RedisServer;
  let sink: CaptureSink;
  let cluster: Cluster;
  let account: Account;
  let journals: Journal[];
  /** How often a worker was killed or frozen. */
  let interrupted = 0;

  beforeAll(async () => {
    mongodb = await startMongodb({ keep: true });
    redis = await startRedis();
    sink = await startCaptureSink({ keepRaw: false, dotDelay: 20 });
    cluster = await startCluster({
      mongodb: mongodb.uri,
      redis: redis.url,
      smtp: 2,
      workers: 2,
      configure: underLoad(sink.port, { lease: `${leaseMilliseconds}ms`, lease_renewal: '500ms' }),
    });
    account = await registerFirst(cluster.api);
    const credential = await createCredential(account, { daily_quota: null, hourly_quota: null });
    journals = startJournals(cluster, credential, { rate: 15, sizes: [1_024, 4_096, 32_768] });
  });
  afterAll(async () => {
    for (const journal of journals ?? []) await journal[Symbol.asyncDispose]();
    await mongodb?.thaw();
    redis?.thaw();
    await cluster?.stop();
    await sink?.stop();
    await redis?.stop();
    await mongodb?.stop();
  });

  /** Mail is taken by each server, and delivered. */
  const flows = async (): Promise<void> => {
    const before = sink.mails.length;
    await moreAccepted(journals, 5, recovery).catch((cause: Error) => {
      throw new Error(`${cause.message}\n${cluster.output().slice(-200_000)}`, { cause });
    });
    await waitFor('mail to be delivered again', () => sink.mails.length >= before + 10, {
      timeout: recovery,
      detail: () => cluster.output().slice(-20_000),
    });
  };

  const killed = async (processes: readonly ClusterProcess[]): Promise<void> => {
    for (let n = 0; n < times; n += 1) {
      const process = processes[n % processes.length];
      if (process === undefined) throw new Error('there is no such process');
      await flows();
      await process.kill();
      await process.start();
    }
    await flows();
  };

  test('an SMTP server is killed', () => killed(cluster.smtp));

  test('a worker is killed', async () => {
    await killed(cluster.workers);
    interrupted += times;
  });

  test('the API is killed', () => killed(cluster.apis));

  test('Redis is killed and comes back empty-handed', async () => {
    for (let n = 0; n < times; n += 1) {
      await flows();
      await redis.kill();
      const before = sink.mails.length;
      // What was accepted is still delivered: the workers look into the database.
      await waitFor('mail to be delivered without Redis', () => sink.mails.length > before, { timeout: recovery });
      await redis.start();
      await flows();
    }
  });

  test('Redis forgets everything', async () => {
    for (let n = 0; n < times; n += 1) {
      await redis.admin.flushall();
      await flows();
    }
  });

  test('the database stops and comes back', async () => {
    for (let n = 0; n < times; n += 1) {
      await flows();
      await mongodb.end();
      await waitFor(
        'the servers to notice',
        async () => (await Promise.all(cluster.smtp.map((one) => one.isReady()))).every((ready) => !ready),
        { timeout: 30_000 },
      );
      await mongodb.start();
      await flows();
    }
  });

  test('both workers are frozen for longer than their leases', async () => {
    for (let n = 0; n < times; n += 1) {
      await flows();
      for (const worker of cluster.workers) worker.freeze();
      interrupted += cluster.workers.length;
      const until = performance.now() + 2 * leaseMilliseconds;
      await waitFor('their leases to be over', () => performance.now() > until, { timeout: 60_000, interval: 100 });
      for (const worker of cluster.workers) worker.thaw();
      await flows();
    }
  });

  test('nothing was lost or changed, and only what was in hand came twice', async () => {
    const doubled = await judge(journals, { account, sink, cluster });
    expect(doubled.length).toBeLessThanOrEqual(interrupted * (concurrency + ahead));
    for (const one of cluster.all) expect(await one.terminate()).toEqual({ code: 0, signal: null });
  });
});
