import { expect, test } from 'vitest';
import { apiClient, createCredential, registerFirst, textField } from '../../support/api-client.ts';
import { startCaptureSink } from '../../support/capture-sink.ts';
import { cleanEnvironment, runChild } from '../../support/child.ts';
import { startCluster } from '../../support/cluster.ts';
import { describeWith } from '../../support/describe-with.ts';
import { freePort } from '../../support/free-port.ts';
import { testDatabase } from '../../support/mongodb-database.ts';
import { launcher, startSluice } from '../../support/process.ts';
import { startRedis } from '../../support/redis-servers.ts';
import type { SmtpDialogue } from '../../support/smtp-dialogue.ts';
import { waitFor } from '../../support/wait-for.ts';
import { clientSession } from '../support/client-session.ts';
import { relayTo } from '../support/relay-to.ts';

const send = async (client: SmtpDialogue, subject: string): Promise<void> => {
  await client.expect(250, 'MAIL FROM:<a@example.com>');
  await client.expect(250, 'RCPT TO:<b@example.net>');
  await client.expect(354, 'DATA');
  await client.expect(250, `From: a@example.com\r\nSubject: ${subject}\r\n\r\nhello\r\n.`);
};

const secret = 'a secret of the tests, long enough for each use';
const worker = { retry: { first: '1s', most: '2s' } };

describeWith(['mongodb', 'redis'], 'a small office that becomes a cluster', () => {
  test('keeps its logins and relays what was waiting, each mail once', async () => {
    await using database = await testDatabase();
    await using redis = await startRedis();
    const nobody = await freePort();
    await using office = await startSluice({
      env: { JWT_SECRET: secret, SLUICE_SECRETS_KEY: secret },
      configure: (config) => ({ ...relayTo(nobody, config), worker }),
    });
    const credential = await createCredential(await registerFirst(office.api));
    const session = await clientSession(office, credential);
    const subjects = Array.from({ length: 10 }, (_, n) => `waiting ${n}`);
    for (const subject of subjects) await send(session, subject);
    await session.expect(221, 'QUIT');
    expect(await office.terminate()).toEqual({ code: 0, signal: null });

    const env = cleanEnvironment({ MONGODB_URI: database.uri, SLUICE_SECRETS_KEY: secret });
    const migrated = await runChild(process.execPath, [launcher, 'migrate', '--config', office.configFile], { env });
    expect([migrated.code, migrated.stderr]).toEqual([0, expect.stringContaining('verifying')]);
    const restarted = await runChild(process.execPath, [launcher, 'start', '--config', office.configFile], {
      env: cleanEnvironment(),
    });
    expect([restarted.code, restarted.stderr]).toEqual([65, expect.stringContaining('start in cluster mode')]);

    await using sink = await startCaptureSink();
    await using cluster = await startCluster({
      mongodb: database.uri,
      redis: redis.url,
      configure: (config) => ({ ...relayTo(sink.port, config), worker }),
    });
    const client = await clientSession({ ports: { smtp: cluster.smtp[0]?.port ?? 0, api: 0 } }, credential);
    await send(client, 'new');
    await client.expect(221, 'QUIT');
    const mails = await sink.received(11, 120_000);
    const seen = mails.map(({ raw }) => /^Subject: (.*)\r$/m.exec(raw.toString('latin1'))?.[1]);
    expect(seen.toSorted()).toEqual([...subjects, 'new'].toSorted());

    const login = { email: 'test@example.com', password: 'password123' };
    const token = textField(await apiClient(cluster.api)('POST', '/api/auth/login', login), 'token');
    const call = apiClient(cluster.api, token);
    await waitFor('an empty queue', async () => {
      const { body } = await call('GET', '/api/queue');
      return JSON.stringify(body).includes('"messages":0');
    });
    const { body } = await call('GET', '/api/system/conservation');
    expect(body).toMatchObject({ accepted: 11, balanced: true });
    expect(sink.mails).toHaveLength(11);
  });
});
