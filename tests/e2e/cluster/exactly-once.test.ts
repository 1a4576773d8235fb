import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Account, createCredential, registerFirst } from '../../support/api-client.ts';
import { type CaptureSink, startCaptureSink } from '../../support/capture-sink.ts';
import { type Cluster, startCluster } from '../../support/cluster.ts';
import { isAccepted, startJournals } from '../../support/cluster-journals.ts';
import { describeWith } from '../../support/describe-with.ts';
import { type TestDatabase, testDatabase } from '../../support/mongodb-database.ts';
import { type RedisServer, startRedis } from '../../support/redis-servers.ts';
import { SmtpDialogue } from '../../support/smtp-dialogue.ts';
import { waitFor } from '../../support/wait-for.ts';
import { judge, underLoad } from './load.ts';

const messages = 5_000;

/* Two SMTP servers, two workers, one API: what they count they count together. */
describeWith(['mongodb', 'redis'], 'a cluster without faults', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let sink: CaptureSink;
  let cluster: Cluster;
  let account: Account;

  beforeAll(async () => {
    database = await testDatabase();
    redis = await startRedis();
    sink = await startCaptureSink({ keepRaw: false });
    cluster = await startCluster({
      mongodb: database.uri,
      redis: redis.url,
      smtp: 2,
      workers: 2,
      configure: underLoad(sink.port),
    });
    account = await registerFirst(cluster.api);
  });
  afterAll(async () => {
    await cluster?.stop();
    await sink?.stop();
    await redis?.stop();
    await database?.drop();
  });

  test('accepts exactly what the hour allows, whichever server is asked', async () => {
    const hour = 3_600_000;
    // A new hour in the middle would bring a new quota.
    await waitFor('an hour that lasts', () => hour - (Date.now() % hour) > 30_000, { timeout: 40_000, interval: 500 });
    const { username, password } = await createCredential(account, { daily_quota: 1_000, hourly_quota: 100 });
    let accepted = 0;
    const refusals = new Set<string>();
    const sendFrom = async (port: number) => {
      await using client = await SmtpDialogue.open(port);
      await client.expect(250, 'EHLO client.test');
      const login = await client.login(username, password);
      expect(login.code, login.text).toBe(235);
      for (let refused = 0; refused < 3; ) {
        await client.expect(250, 'MAIL FROM:<me@example.com>');
        const answers = [
          await client.command('RCPT TO:<a@example.org>'),
          await client.command('RCPT TO:<b@example.org>'),
        ];
        const taken = answers.filter(({ code }) => code === 250).length;
        for (const { code, text } of answers) if (code !== 250) refusals.add(`${code} ${text}`);
        if (taken < 2) refused += 1;
        if (taken === 0) await client.expect(250, 'RSET');
        else {
          await client.expect(354, 'DATA');
          const answer = await client.command('From: me@example.com\r\n\r\nhello\r\n.');
          expect(answer.code, answer.text).toBe(250);
          accepted += taken;
        }
      }
    };
    const ports = cluster.smtp.map(({ port }) => port ?? 0);
    await Promise.all([...ports, ...ports, ...ports, ...ports].map(sendFrom));
    expect(accepted).toBe(100);
    for (const refusal of refusals) expect(refusal).toMatch(/^452 .*quota/);
  });

  test(`delivers ${messages} messages exactly once`, async () => {
    const credential = await createCredential(account, { daily_quota: null, hourly_quota: null });
    const journals = startJournals(cluster, credential, { rate: 250, sizes: [1_024, 4_096, 8_192, 32_768] });
    await Promise.all(journals.map((journal) => journal.reaches(messages / journals.length, isAccepted, 200_000)));
    expect(await judge(journals, { account, sink, cluster })).toEqual([]);
    expect(sink.mails.length).toBeGreaterThanOrEqual(messages);
  });
});
