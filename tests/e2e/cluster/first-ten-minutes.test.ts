import { expect, test } from 'vitest';
import { createCredential, registerFirst } from '../../support/api-client.ts';
import { startCluster } from '../../support/cluster.ts';
import { describeWith } from '../../support/describe-with.ts';
import { testDatabase } from '../../support/mongodb-database.ts';
import { startPostfix } from '../../support/postfix.ts';
import { runPython } from '../../support/python.ts';
import { startRedis } from '../../support/redis-servers.ts';
import { waitFor } from '../../support/wait-for.ts';
import { readmeBlocks } from '../support/readme-blocks.ts';

/* What the README promises of the first ten minutes, with five processes instead of one. */
describeWith(['mongodb', 'redis', 'postfix', 'python3'], 'a cluster of five processes', () => {
  test('takes the mail of the first ten minutes and relays it to Postfix', async () => {
    await using database = await testDatabase();
    await using redis = await startRedis();
    await using postfix = await startPostfix();
    await using cluster = await startCluster({
      mongodb: database.uri,
      redis: redis.url,
      smtp: 2,
      workers: 2,
      env: { UPSTREAM_SMTP_HOST: '127.0.0.1', UPSTREAM_SMTP_PORT: String(postfix.port), UPSTREAM_SMTP_TLS: 'none' },
    });
    const account = await registerFirst(cluster.api);
    const credential = await createCredential(account, { daily_quota: 1000, hourly_quota: 100 });
    const [, python] = readmeBlocks('The first ten minutes');
    for (const [n, server] of cluster.smtp.entries()) {
      const known = `smtp_username, smtp_password = ${JSON.stringify([credential.username, credential.password])}\n`;
      const sent = await runPython(known + (python?.text ?? '').replaceAll('2525', String(server.port)));
      expect(sent.code, sent.stderr + cluster.output()).toBe(0);
      await postfix.received(n + 1);
    }
    await waitFor('the statistics to count both', async () => {
      const { body } = await account.call('GET', '/api/mail-logs/stats');
      return JSON.stringify(body).includes('"delivered":2');
    });
    for (const one of cluster.all) expect(await one.terminate()).toEqual({ code: 0, signal: null });
  });
});
