import { cp, mkdir, readdir, readFile, rm, stat, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import {
  type Account,
  apiClient,
  createCredential,
  registerFirst,
  type SmtpCredential,
  textField,
} from '../../support/api-client.ts';
import { type CaptureSink, startCaptureSink } from '../../support/capture-sink.ts';
import { cleanEnvironment, runChild } from '../../support/child.ts';
import { type Cluster, startCluster } from '../../support/cluster.ts';
import { describeWith } from '../../support/describe-with.ts';
import { mongoTools } from '../../support/fetched-tools.ts';
import { freePort } from '../../support/free-port.ts';
import { type MongodbServer, startMongodb } from '../../support/mongodb-server.ts';
import { repository } from '../../support/process.ts';
import { conservationOf, waitingMail } from '../../support/queue-state.ts';
import { startRedis } from '../../support/redis-servers.ts';
import { SmtpDialogue } from '../../support/smtp-dialogue.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait-for.ts';
import { withListeners } from '../support/relay-to.ts';

const inRepository = (path: string): string => join(repository, path);
const page = z.object({ items: z.array(z.object({ id: z.string() })) });
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * What of the tools' work mongo-java-server cannot do: it has no log of operations (`local.oplog.rs` is empty, and there
 * is no `applyOps`), so there the copy is of one moment only because nothing changes meanwhile.
 */
const unsupported = ({ kind }: MongodbServer): string => (kind === 'mongo-java-server' ? '--oplog --oplogReplay' : '');

/*
 * The scripts of Compose, with MongoDB's own tools; only `docker` is a stand-in, which carries out on this machine what
 * is to be done in a container.
 */
describeWith(['mongodb-process', 'redis', 'go'], 'backup and restore of a Compose installation', () => {
  let tools: string;
  let folder: TemporaryFolder;
  let sink: CaptureSink;
  let sinkPort: number;
  beforeAll(async () => {
    tools = await mongoTools();
    folder = await temporaryFolder('backup');
    await mkdir(within('bin'));
    await symlink(join(import.meta.dirname, 'docker-stand-in.sh'), within('bin/docker'));
    sinkPort = await freePort();
    sink = await startCaptureSink({ port: sinkPort });
  }, 900_000);
  afterAll(async () => {
    await sink?.stop();
    await folder?.remove();
  });
  const within = (name: string): string => join(folder.path, name);

  /** Runs one of the scripts against a database and the volumes of an installation. */
  async function script(name: string, mongodb: MongodbServer, installation: string, without = unsupported(mongodb)) {
    const env = cleanEnvironment({
      CALLS: within('calls'),
      VOLUMES: within(installation),
      PROGRAMS: tools,
      MONGODB: String(mongodb.port),
      UNSUPPORTED: without,
    });
    env.PATH = `${within('bin')}:${env.PATH}`;
    return runChild('bash', [inRepository(`deploy/compose/${name}`), within('copy')], { env, timeout: 120_000 });
  }

  const makeSecrets = async (installation: string): Promise<void> => {
    const places = ['secrets', 'server-secrets'].map((name) => within(`${installation}/${name}`));
    for (const place of places) await mkdir(place, { recursive: true });
    const made = await runChild(process.execPath, [inRepository('deploy/compose/make-secrets.js'), ...places]);
    expect(made.code, made.stderr).toBe(0);
  };

  /** The processes with the secrets of an installation. */
  async function start(mongodb: MongodbServer, redis: string, installation: string): Promise<Cluster> {
    const secret = async (name: string) => (await readFile(within(`${installation}/secrets/${name}`), 'utf8')).trim();
    const env = { JWT_SECRET: await secret('jwt_secret'), SLUICE_SECRETS_KEY: await secret('secrets_key') };
    return startCluster({
      mongodb: mongodb.uri.replace(/\/(\?|$)/, '/sluice$1'),
      redis,
      env,
      configure: (config) => ({
        ...withListeners(config, { auth_without_tls: true }),
        worker: { retry: { first: '1s', factor: 1, most: '1s' }, sweep: '500ms' },
        cluster: { poll: '1s' },
        plugins: config.plugins.map((plugin) =>
          plugin.use === 'delivery'
            ? {
                ...plugin,
                config: { upstreams: [{ name: 'default', host: '127.0.0.1', port: sinkPort, tls: 'none' }] },
              }
            : plugin,
        ),
      }),
    });
  }

  async function send(cluster: Cluster, credential: { username: string; password: string }, names: readonly string[]) {
    await using client = await SmtpDialogue.open(cluster.smtp[0]?.port ?? 0);
    await client.expect(250, 'EHLO client.test');
    const login = await client.login(credential.username, credential.password);
    expect(login.code, login.text).toBe(235);
    for (const name of names) {
      await client.expect(250, 'MAIL FROM:<me@example.com>');
      await client.expect(250, `RCPT TO:<${name}@example.org>`);
      await client.expect(354, 'DATA');
      await client.expect(250, `From: me@example.com\r\nSubject: ${name}\r\n\r\nhello ${name}\r\n.`);
    }
  }

  const idOf = async (account: Account, name: string): Promise<string> => {
    const { body } = await account.call('GET', `/api/mail-logs?address=${name}@example.org`);
    const [found] = page.parse(body).items;
    if (found === undefined) throw new Error(`no mail to ${name}`);
    return found.id;
  };
  const isWaiting = async (account: Account, messages: number) => (await waitingMail(account)).messages === messages;
  const subjects = (): string[] =>
    sink.mails.flatMap(({ raw }) => /^Subject: (.*?)\r?$/m.exec(raw.toString())?.[1] ?? []).sort();
  const calls = async () => (await readFile(within('calls'), 'utf8')).trim().split('\n');

  test('brings everything back that the lost one had, once, and overwrites nothing', async () => {
    await makeSecrets('old');
    const waiting = Array.from({ length: 8 }, (_, n) => `waiting ${n}`.replace(' ', '-'));
    let before: Awaited<ReturnType<typeof conservationOf>>;
    let credential: SmtpCredential;
    {
      await using mongodb = await startMongodb();
      await using redis = await startRedis();
      await using cluster = await start(mongodb, redis.url, 'old');
      const account = await registerFirst(cluster.api);
      credential = await createCredential(account);
      sink.behave(({ phase, line }) =>
        phase === 'rcpt' && line.includes('nobody') ? { reply: '550 5.1.1 nobody' } : undefined,
      );
      await send(cluster, credential, ['delivered-1', 'delivered-2', 'nobody']);
      // The report to the sender is the third.
      await sink.received(3, 60_000);
      await waitFor('what can be delivered to be', () => isWaiting(account, 0), { timeout: 30_000 });
      sink.behave(({ phase }) => (phase === 'mail' ? { reply: '450 4.3.0 later' } : undefined));
      await send(cluster, credential, [...waiting, 'held', 'cancelled']);
      const act = async (name: string, order: 'hold' | 'cancel', state: 'held' | 'cancelled') => {
        const id = await idOf(account, name);
        await waitFor(`${name} to be ${state}`, async () => {
          await account.call('POST', `/api/queue/${id}/${order}`);
          return (await conservationOf(account)).states[state] === 1;
        });
      };
      await act('held', 'hold', 'held');
      await act('cancelled', 'cancel', 'cancelled');
      before = await conservationOf(account);
      expect(before).toMatchObject({
        balanced: true,
        states: { delivered: 3, bounced: 1, held: 1, cancelled: 1 },
      });

      const copied = await script('back-up.sh', mongodb, 'old');
      expect([copied.code, copied.stderr]).toEqual([0, expect.stringContaining('done dumping sluice.messages')]);
      expect((await readdir(within('copy'))).sort()).toEqual([
        'mongodb.archive.gz',
        'secrets.tar',
        'server-secrets.tar',
      ]);
      // The tool itself takes what the script asks for, and looks for the log of operations.
      const whole = await script('back-up.sh', mongodb, 'old', '');
      if (unsupported(mongodb) === '')
        expect([whole.code, whole.stderr]).toEqual([0, expect.stringContaining('oplog')]);
      else expect([whole.code, whole.stderr]).toEqual([1, expect.stringContaining('error getting oplog start')]);

      // A second one that fails leaves the first one as it was.
      const size = (await stat(within('copy/mongodb.archive.gz'))).size;
      await mongodb.end();
      const failed = await script('back-up.sh', mongodb, 'old');
      expect(failed.code).not.toBe(0);
      expect(failed.stderr).toMatch(/Failed: .*connect/);
      expect((await readdir(within('copy'))).length).toBe(3);
      expect((await stat(within('copy/mongodb.archive.gz'))).size).toBe(size);
      for (const one of cluster.all) await one.kill();
    }

    await using mongodb = await startMongodb();
    // In a place that has been in use nothing is touched.
    await makeSecrets('other');
    const secretOfOther = await readFile(within('other/secrets/secrets_key'), 'utf8');
    const refused = await script('restore.sh', mongodb, 'other');
    expect([refused.code, refused.stderr]).toEqual([65, expect.stringContaining('other secrets')]);
    expect(await readFile(within('other/secrets/secrets_key'), 'utf8')).toBe(secretOfOther);
    expect((await calls()).at(-1)).toContain('--compare');

    for (const name of ['secrets', 'server-secrets']) await mkdir(within(`new/${name}`), { recursive: true });
    if (unsupported(mongodb) !== '') {
      const replaying = await script('restore.sh', mongodb, 'new', '');
      expect([replaying.code, replaying.stderr]).toEqual([1, expect.stringContaining('no oplog file to replay')]);
      await using client = new MongoClient(mongodb.uri);
      await client.db('sluice').dropDatabase();
    }
    const restored = await script('restore.sh', mongodb, 'new');
    expect([restored.code, restored.stderr]).toEqual([0, expect.stringContaining(' 0 document(s) failed to restore')]);
    expect((await calls()).slice(-2)).toEqual([
      expect.stringMatching(/mongorestore .*--oplogReplay/s),
      'compose up --detach',
    ]);

    // Once more: the database is in use now.
    const again = await script('restore.sh', mongodb, 'new');
    expect([again.code, again.stderr]).toEqual([65, expect.stringContaining('is in use already')]);

    sink.behave(undefined);
    await using redis = await startRedis();
    await using cluster = await start(mongodb, redis.url, 'new');
    const login = await apiClient(cluster.api)('POST', '/api/auth/login', {
      email: 'test@example.com',
      password: 'password123',
    });
    const token = textField(login, 'token');
    const account: Account = { token, call: apiClient(cluster.api, token) };
    await send(cluster, credential, ['after']);
    await waitFor('all but the held one to go', () => isWaiting(account, 1), { timeout: 90_000 });
    expect(subjects().filter((subject) => subject.startsWith('waiting'))).toEqual(waiting);
    expect(subjects().filter((subject) => subject === 'held' || subject === 'cancelled')).toEqual([]);
    expect(await conservationOf(account)).toMatchObject({
      accepted: before.accepted + 1,
      balanced: true,
      states: { delivered: 3 + waiting.length + 1, bounced: 1, held: 1, cancelled: 1 },
    });
    const held = await idOf(account, 'held');
    expect((await account.call('POST', `/api/queue/${held}/release`)).status).toBe(200);
    await waitFor('the held one to go', () => isWaiting(account, 0), { timeout: 60_000 });
    expect(subjects().filter((subject) => subject === 'held')).toEqual(['held']);
  });

  test('refuses a copy that is not whole', async () => {
    await using mongodb = await startMongodb();
    await cp(within('copy'), within('kept'), { recursive: true });
    await truncate(within('copy/secrets.tar'));
    const refused = await script('restore.sh', mongodb, 'nowhere');
    expect([refused.code, refused.stderr]).toEqual([65, expect.stringContaining('no whole backup')]);
    expect(await exists(within('nowhere'))).toBe(false);
    await rm(within('copy'), { recursive: true });
  });
});
