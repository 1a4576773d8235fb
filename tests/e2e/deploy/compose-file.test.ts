import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { runChild } from '../../support/child.ts';
import { describeWith } from '../../support/describe-with.ts';
import { composeParser } from '../../support/fetched-tools.ts';
import { repository } from '../../support/process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const file = join(repository, 'docker-compose.yml');

describeWith(['go'], 'docker-compose.yml', () => {
  // On a new machine it is fetched and built.
  beforeAll(async () => void (await composeParser()), 900_000);

  test('is what the reference parser takes, and names the services that are promised', async () => {
    const parser = await composeParser();
    const { code, stdout, stderr } = await runChild(parser, ['-format', 'json', file], { cwd: repository });
    expect(code, stderr).toBe(0);
    const { services } = JSON.parse(stdout);
    const promised = [
      'smtp-relay-api',
      'smtp-relay-server',
      'smtp-relay-worker',
      'mongodb',
      'redis',
      'postfix',
      'nginx',
    ];
    expect(Object.keys(services)).toEqual(expect.arrayContaining(promised));
    for (const [name, service] of Object.entries<Record<string, unknown>>(services)) {
      expect(service, name).toMatchObject({ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      if (name !== 'make-secrets') expect(service.healthcheck ?? name.startsWith('smtp-relay'), name).toBeTruthy();
    }
    // Nobody but nginx is to be reached from elsewhere; the API from this machine.
    const published = Object.entries<{ ports?: { host_ip?: string; published: string }[] }>(services)
      .flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port.host_ip ?? '*'}:${port.published}`))
      .sort();
    expect(published).toEqual([
      'nginx *:2525',
      'nginx *:443',
      'nginx *:465',
      'nginx *:587',
      'nginx *:80',
      'smtp-relay-api 127.0.0.1:8080',
    ]);
  });

  test('would be refused with a key that Compose does not know', async () => {
    await using folder = await temporaryFolder('compose');
    const wrong = parse(await readFile(file, 'utf8'), { merge: true });
    wrong.services.redis.cap_dropped = ['ALL'];
    const path = join(folder.path, 'docker-compose.yml');
    await writeFile(path, stringify(wrong));
    const { code, stdout, stderr } = await runChild(await composeParser(), [path], { cwd: folder.path });
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/cap_dropped/);
  });
});
