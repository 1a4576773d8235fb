import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Account, createCredential, registerFirst, type SmtpCredential } from '../../support/api-client.ts';
import { type CaptureSink, startCaptureSink } from '../../support/capture-sink.ts';
import { type Cluster, type ClusterProcess, startCluster } from '../../support/cluster.ts';
import { describeWith } from '../../support/describe-with.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { type TestDatabase, testDatabase } from '../../support/mongodb-database.ts';
import { repository } from '../../support/process.ts';
import { type RedisServer, startRedis } from '../../support/redis-servers.ts';
import { SmtpDialogue } from '../../support/smtp-dialogue.ts';
import { waitFor } from '../../support/wait-for.ts';
import { underLoad } from './load.ts';

const changed = z.object({
  version: z.number(),
  state: z.literal('current'),
  running: z.array(z.object({ process: z.string(), version: z.number() })),
});

/* Settings of plugins that are changed by the API while several processes judge mail. */
describeWith(['mongodb', 'redis'], 'a change of settings in a cluster', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let proxy: FaultProxy;
  let sink: CaptureSink;
  let cluster: Cluster;
  let account: Account;
  let credential: SmtpCredential;

  beforeAll(async () => {
    database = await testDatabase();
    redis = await startRedis();
    proxy = await startFaultProxy({ port: redis.port });
    sink = await startCaptureSink();
    const use = join(repository, 'tests/e2e/support/label-plugin.ts');
    const throughProxy = redis.url.replace(`:${redis.port}`, `:${proxy.port}`);
    cluster = await startCluster({
      mongodb: database.uri,
      redis: redis.url,
      smtp: 2,
      // The second one reaches Redis by a way that can be cut.
      env: (role, n): Record<string, string> => (role === 'smtp' && n === 1 ? { REDIS_URL: throughProxy } : {}),
      configure: (config) => {
        const { plugins, ...rest } = underLoad(sink.port)(config);
        const others = plugins.map((entry) => (entry.use === 'rate-limit' ? { ...entry, enabled: false } : entry));
        const smtp = { ...rest.smtp, limits: { errors: 1_000_000 } } as typeof rest.smtp;
        const intervals = { beat: '200ms', outdated: '3s', lapse: '4s', decision: '15s' };
        return {
          ...rest,
          smtp,
          cluster: intervals,
          plugins: [{ id: 'label', use, config: { label: 'start' } }, ...others],
        };
      },
    });
    account = await registerFirst(cluster.api);
    credential = await createCredential(account);
  });
  afterAll(async () => {
    await cluster?.stop();
    await sink?.stop();
    await proxy?.stop();
    await redis?.stop();
    await database?.drop();
  });

  const setLabel = async (label: string): Promise<number> => {
    const { status, body } = await account.call('PATCH', '/api/plugins/label', { config: { label } });
    expect(status, JSON.stringify(body) + cluster.output()).toBe(200);
    const { version, running } = changed.parse(body);
    // Who was frozen is not among those that live.
    for (const one of running.filter(({ process }) => /^(smtp|worker) /.test(process))) {
      expect([one.process, one.version]).toEqual([one.process, version]);
    }
    return version;
  };

  const login = async (process: ClusterProcess | undefined): Promise<SmtpDialogue> => {
    const client = await SmtpDialogue.open(process?.port ?? 0);
    await client.expect(250, 'EHLO client.test');
    expect((await client.login(credential.username, credential.password)).code).toBe(235);
    return client;
  };

  /** What a new transaction is judged by: a label, or the code with which it was put off. */
  const judgedBy = async (client: SmtpDialogue): Promise<string> => {
    const mail = await client.command('MAIL FROM:<me@example.com>');
    if (mail.code !== 250) return String(mail.code);
    const { code, text } = await client.command('RCPT TO:<label@example.org>');
    await client.expect(250, 'RSET');
    return /label is (\S+)/.exec(text)?.[1] ?? String(code);
  };

  /** From the first verdict by the new label on, the old one is never heard again. */
  const comesToBe = async (client: SmtpDialogue, label: string): Promise<string[]> => {
    const heard: string[] = [];
    await waitFor(`the label ${label}`, async () => heard.push(await judgedBy(client)) > 0 && heard.at(-1) === label, {
      timeout: 30_000,
      detail: () => `${heard.join(' ')} ${cluster.output()}`,
    });
    // A process that could not look for a while may put mail off; it never goes back.
    for (let n = 0; n < 10; n += 1) expect(['451', label]).toContain(await judgedBy(client));
    return heard;
  };

  test('is in force in every process, in sessions that are open, too', async () => {
    await using first = await login(cluster.smtp[0]);
    await using second = await login(cluster.smtp[1]);
    expect([await judgedBy(first), await judgedBy(second)]).toEqual(['start', 'start']);
    const version = await setLabel('open');
    await Promise.all([comesToBe(first, 'open'), comesToBe(second, 'open')]);
    const { body } = await account.call('GET', '/api/system');
    expect(JSON.stringify(body).split(`"settings_version":${version}`).length - 1).toBeGreaterThanOrEqual(3);
  });

  test('reaches a process that was cut off from Redis through the database', async () => {
    await using client = await login(cluster.smtp[1]);
    proxy.inject({ refuse: true });
    proxy.cutAll();
    await setLabel('without-redis');
    await comesToBe(client, 'without-redis');
    proxy.inject(undefined);
  });

  test('is waited for by nobody who is frozen, and who thaws gives no verdict by the old one', async () => {
    const frozen = cluster.smtp[0];
    await using client = await login(frozen);
    expect(await judgedBy(client)).toBe('without-redis');
    await client.expect(250, 'MAIL FROM:<me@example.com>');
    frozen?.freeze();
    await setLabel('thawed');
    frozen?.thaw();
    // The transaction that was open began under the old one.
    const { code, text } = await client.command('RCPT TO:<label@example.org>');
    expect([code, text]).toEqual([451, expect.stringMatching(/^4\.3\.2 /)]);
    await client.expect(250, 'RSET');
    const heard = await comesToBe(client, 'thawed');
    expect(heard.filter((one) => one !== 'thawed' && one !== '451')).toEqual([]);
  });

  test('that one process cannot build changes nothing, and names it', async () => {
    const answer = await account.call('PATCH', '/api/plugins/label', { config: { fails_in: 'worker' } });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(answer.body)).toMatch(/worker .*told to fail in worker/);
    await using client = await login(cluster.smtp[0]);
    expect(await judgedBy(client)).toBe('thawed');
  });

  test('that is only tried is built by a process of each kind, and is in force nowhere', async () => {
    const tried = z.object({
      dry_run: z.literal(true),
      tried: z.array(z.object({ process: z.string(), built: z.boolean(), reason: z.string().nullable() })),
    });
    const before = (await account.call('GET', '/api/plugins/history?limit=1')).body;
    const answer = await account.call('PATCH', '/api/plugins/label?dry_run=true', { config: { label: 'tried' } });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    const outcome = tried.parse(answer.body).tried.map(({ process, ...rest }) => [process.split(' ')[0], rest]);
    expect(outcome).toEqual([
      ['smtp', { built: true, reason: null }],
      ['worker', { built: true, reason: null }],
    ]);
    for (const role of ['smtp', 'worker']) {
      const change = { config: { fails_in: role } };
      const { status, body } = await account.call('PATCH', '/api/plugins/label?dry_run=true', change);
      expect([status, JSON.stringify(body)]).toEqual([
        422,
        expect.stringMatching(new RegExp(`the process ${role} \\S+ cannot build it: .*told to fail in ${role}`)),
      ]);
    }
    expect((await account.call('GET', '/api/plugins/history?limit=1')).body).toEqual(before);
    await using client = await login(cluster.smtp[0]);
    expect(await judgedBy(client)).toBe('thawed');
  });
});
