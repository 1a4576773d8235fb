import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Account, createCredential, registerFirst, type SmtpCredential } from '../../support/api-client.ts';
import { type CaptureSink, startCaptureSink } from '../../support/capture-sink.ts';
import { type Cluster, type ClusterProcess, startCluster } from '../../support/cluster.ts';
import { describeWith } from '../../support/describe-with.ts';
import { type TestDatabase, testDatabase } from '../../support/mongodb-database.ts';
import { repository, startSluice } from '../../support/process.ts';
import { type RedisServer, startRedis } from '../../support/redis-servers.ts';
import { SmtpDialogue } from '../../support/smtp-dialogue.ts';
import { waitFor } from '../../support/wait-for.ts';
import { underLoad } from './load.ts';

const children = 2;
const limits = { connections: 30, connections_per_address: 20 };

const system = z.object({ processes: z.array(z.object({ roles: z.array(z.string()), pid: z.number() })) });
const ready = z.object({ status: z.string(), processes: z.object({ wanted: z.number(), running: z.number() }) });

/* One `sluice start smtp` that takes mail in several processes, and counts as one. */
describeWith(['mongodb', 'redis'], 'an SMTP server on several cores', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let sink: CaptureSink;
  let cluster: Cluster;
  let server: ClusterProcess;
  let account: Account;
  let credential: SmtpCredential;
  let subjects = 0;
  let opened: SmtpDialogue[] = [];

  beforeAll(async () => {
    database = await testDatabase();
    redis = await startRedis();
    sink = await startCaptureSink();
    const use = join(repository, 'tests/e2e/support/label-plugin.ts');
    cluster = await startCluster({
      mongodb: database.uri,
      redis: redis.url,
      env: (role): Record<string, string> => (role === 'smtp' ? { SLUICE_SMTP__PROCESSES: String(children) } : {}),
      configure: (config) => {
        const { plugins, ...rest } = underLoad(sink.port)(config);
        const others = plugins.map((entry) => (entry.use === 'rate-limit' ? { ...entry, enabled: false } : entry));
        return {
          ...rest,
          smtp: { ...rest.smtp, listeners: rest.smtp?.listeners ?? [], limits: { ...limits, errors: 1_000 } },
          // A busy machine must not be taken for one that was cut off.
          cluster: { beat: '200ms', outdated: '8s', lapse: '9s', decision: '30s', poll: '1s' },
          plugins: [{ id: 'label', use, config: { label: 'start' } }, ...others],
        };
      },
    });
    const [first] = cluster.smtp;
    if (first === undefined) throw new Error('there is no SMTP server');
    server = first;
    await allTakeMail();
    account = await registerFirst(cluster.api);
    credential = await createCredential(account, { daily_quota: null, hourly_quota: null });
  });
  // A test that fails must not leave the next one without room.
  afterEach(() => {
    for (const client of opened) client.destroy();
    opened = [];
  });
  afterAll(async () => {
    await cluster?.stop();
    await sink?.stop();
    await redis?.stop();
    await database?.drop();
  });

  const health = async () => {
    const answer = await fetch(new URL('/health', server.observability));
    return ready.parse(await answer.json());
  };
  const allTakeMail = () =>
    waitFor('all processes to take mail', async () => (await health()).processes.running === children, {
      timeout: 60_000,
      detail: () => cluster.output(),
    });

  /** Of the processes that take mail, as the kernel knows them. */
  const childPids = async (): Promise<number[]> => {
    const { pid } = server.child;
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.trim().split(' ').filter(Boolean).map(Number);
  };
  const isGone = async (pid: number): Promise<boolean> => {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
    return status === null || /\) Z /.test(status);
  };

  /** The value of a sample, by its whole name. */
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(new URL('/metrics', server.observability))).text();
    const lines = text.split('\n').filter((one) => one.startsWith(`${name} `));
    expect(lines, `${name} in ${server.output().slice(-3_000)}`).toHaveLength(1);
    return Number(lines[0]?.slice(name.length + 1));
  };
  const nobodyConnected = () =>
    waitFor('all connections to be over', async () => (await metric('sluice_smtp_connections')) === 0, {
      timeout: 30_000,
    });

  interface Knock {
    readonly client: SmtpDialogue;
    readonly code: number;
    readonly text: string;
  }
  const knock = async (localAddress: string): Promise<Knock> => {
    const client = await SmtpDialogue.open(server.port ?? 0, { localAddress, greeting: false });
    opened.push(client);
    return { client, ...(await client.reply()) };
  };
  const knockAtOnce = (count: number, address: string): Promise<Knock[]> =>
    Promise.all(Array.from({ length: count }, () => knock(address)));
  const isIn = ({ code }: Knock): boolean => code === 220;
  const leave = (knocks: readonly Knock[]): void => {
    for (const { client } of knocks) client.destroy();
  };

  const login = async (client: SmtpDialogue): Promise<SmtpDialogue> => {
    opened.push(client);
    await client.expect(250, 'EHLO client.test');
    const answer = await client.login(credential.username, credential.password);
    expect(answer.code, answer.text).toBe(235);
    return client;
  };
  const open = async () => login(await SmtpDialogue.open(server.port ?? 0));
  const send = async (client: SmtpDialogue): Promise<void> => {
    const subject = `mail ${++subjects}`;
    const answer = await client.send('me@example.com', ['you@example.org'], `Subject: ${subject}\r\n\r\nhello`);
    expect(answer.code, answer.text).toBe(250);
  };
  const judgedBy = async (client: SmtpDialogue): Promise<string> => {
    const mail = await client.command('MAIL FROM:<me@example.com>');
    if (mail.code !== 250) return String(mail.code);
    const { code, text } = await client.command('RCPT TO:<label@example.org>');
    await client.expect(250, 'RSET');
    return /label is (\S+)/.exec(text)?.[1] ?? String(code);
  };

  test('runs as many processes as it is told, each a member of the cluster', async () => {
    const pids = await childPids();
    expect(pids).toHaveLength(children);
    const known = system.parse((await account.call('GET', '/api/system')).body).processes;
    const smtp = known.filter(({ roles }) => roles.includes('smtp')).map(({ pid }) => pid);
    expect(smtp.toSorted()).toEqual(pids.toSorted());
    expect(await health()).toMatchObject({ status: 'ok', processes: { wanted: children, running: children } });
    // People read one summary.
    expect(server.output().split('Sluice is running')).toHaveLength(2);
  });

  test('admits exactly as many connections as its limits say, and again once they are closed', async () => {
    for (let round = 0; round < 3; round += 1) {
      const ofOne = await knockAtOnce(50, '127.0.0.1');
      expect(ofOne.filter(isIn)).toHaveLength(limits.connections_per_address);
      for (const { code, text } of ofOne.filter((one) => !isIn(one))) {
        expect([code, text]).toEqual([421, expect.stringMatching(/^4\.7\.0 Too many connections from your address/)]);
      }
      const ofOther = await knockAtOnce(50, '127.0.0.2');
      expect(ofOther.filter(isIn)).toHaveLength(limits.connections - limits.connections_per_address);
      for (const { code, text } of ofOther.filter((one) => !isIn(one))) {
        expect([code, text]).toEqual([421, expect.stringMatching(/^4\.3\.2 Too many connections;/)]);
      }
      expect(await metric('sluice_smtp_connections')).toBe(limits.connections);
      leave([...ofOne, ...ofOther]);
      await nobodyConnected();
    }
  });

  test('gives back the places of a process that is killed, starts another, and forgets nothing it counted', async () => {
    await using before = await open();
    for (let n = 0; n < 3; n += 1) await send(before);
    before.destroy();
    await nobodyConnected();
    const accepted = await metric('sluice_messages_accepted_total');
    expect(accepted).toBeGreaterThanOrEqual(3);

    const sessions = (await knockAtOnce(limits.connections_per_address, '127.0.0.1')).filter(isIn);
    expect(sessions).toHaveLength(limits.connections_per_address);
    const [victim = 0] = await childPids();
    process.kill(victim, 'SIGKILL');
    const alive = new Set(sessions);
    for (const session of sessions) void session.client.closed().then(() => alive.delete(session));
    await waitFor('its sessions to be over', () => alive.size < sessions.length);
    await allTakeMail();
    const pids = await childPids();
    expect(pids).toHaveLength(children);
    expect(pids).not.toContain(victim);

    // Those of the other process go on, and hold their places; those of the killed one are free again.
    expect(alive.size).toBeGreaterThan(0);
    for (const { client } of alive) await client.expect(250, 'NOOP');
    const again = await knockAtOnce(limits.connections_per_address, '127.0.0.1');
    expect(again.filter(isIn)).toHaveLength(limits.connections_per_address - alive.size);
    leave([...sessions, ...again]);
    await nobodyConnected();

    expect(await metric('sluice_messages_accepted_total')).toBe(accepted);
    expect(await metric('sluice_smtp_processes_ended_total')).toBe(1);
    const clients = await Promise.all(Array.from({ length: 4 }, open));
    await Promise.all(clients.map(send));
    for (const client of clients) client.destroy();
    expect(await metric('sluice_messages_accepted_total')).toBe(accepted + clients.length);
    await sink.received(subjects, 60_000);
    await nobodyConnected();
  });

  test('accepts exactly what a quota allows', async () => {
    const hour = 3_600_000;
    // A new hour in the middle would bring a new quota.
    await waitFor('an hour that lasts', () => hour - (Date.now() % hour) > 20_000, { timeout: 30_000, interval: 500 });
    const { username, password } = await createCredential(account, { daily_quota: 1_000, hourly_quota: 30 });
    let accepted = 0;
    const sendAll = async () => {
      await using client = await SmtpDialogue.open(server.port ?? 0);
      await client.expect(250, 'EHLO client.test');
      expect((await client.login(username, password)).code).toBe(235);
      for (let refused = 0; refused < 2; ) {
        const answer = await client.send('me@example.com', ['you@example.org'], 'Subject: quota\r\n\r\nhello');
        if (answer.code === 250) accepted += 1;
        else {
          expect([answer.code, answer.text]).toEqual([452, expect.stringContaining('quota')]);
          await client.expect(250, 'RSET');
          refused += 1;
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, sendAll));
    expect(accepted).toBe(30);
    subjects += accepted;
    await nobodyConnected();
  });

  test('judges by no old settings in a process that was frozen while they changed', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, open));
    expect(new Set(await Promise.all(clients.map(judgedBy)))).toEqual(new Set(['start']));
    const [frozen = 0] = await childPids();
    process.kill(frozen, 'SIGSTOP');
    const answer = await account.call('PATCH', '/api/plugins/label', { config: { label: 'changed' } });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    process.kill(frozen, 'SIGCONT');
    for (const client of clients) expect(['451', 'changed']).toContain(await judgedBy(client));
    await waitFor('all to judge by the new ones', async () =>
      (await Promise.all(clients.map(judgedBy))).every((label) => label === 'changed'),
    );
    for (const client of clients) client.destroy();
    await nobodyConnected();
  });

  test('reads the configuration again in all processes', async () => {
    const file = join(cluster.folder, 'sluice.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('label: start', 'label: again'));
    // What the API set would stay in force over the file.
    expect([200, 404]).toContain((await account.call('POST', '/api/plugins/label/reset')).status);
    server.child.signal('SIGHUP');
    await waitFor('it to be read', () => server.output().includes('Configuration and certificates were read again'), {
      timeout: 30_000,
      detail: () => server.output(),
    });
    const clients = await Promise.all(Array.from({ length: 6 }, open));
    for (const client of clients) expect(await judgedBy(client)).toBe('again');
    for (const client of clients) client.destroy();
  });

  test('its processes end by themselves when the primary is killed, and it starts again', async () => {
    const pids = await childPids();
    await using client = await open();
    await server.kill();
    await client.closed();
    await waitFor('the processes to end', async () => (await Promise.all(pids.map(isGone))).every(Boolean), {
      timeout: 40_000,
    });
    await server.start();
    await allTakeMail();
    await using after = await open();
    await send(after);
  });

  test('finishes what is on its way at SIGTERM, within 30 s, and leaves nothing behind', async () => {
    const pids = await childPids();
    await using sending = await open();
    await sending.expect(250, 'MAIL FROM:<me@example.com>');
    await sending.expect(250, 'RCPT TO:<you@example.org>');
    await sending.expect(354, 'DATA');
    sending.write('Subject: last\r\n\r\n');
    const idle = await Promise.all(Array.from({ length: 4 }, open));
    const ended = server.terminate();
    for (const client of idle) expect((await client.reply()).code).toBe(421);
    await sending.expect(250, 'hello\r\n.');
    subjects += 1;
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(await Promise.all(pids.map(isGone))).toEqual(pids.map(() => true));
    expect(server.output()).not.toContain('did not stop in time');
    await sink.received(subjects, 60_000);
  });
});

test('embedded mode stays one process, and says so', async () => {
  await using relay = await startSluice({ env: { SLUICE_SMTP__PROCESSES: '4' } });
  expect(relay.output()).toMatch(/smtp\.processes is not heeded: embedded mode is one process by design/);
  const { pid } = relay.child;
  expect(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).toBe('');
});
